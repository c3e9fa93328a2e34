/**
 * Fastify with `@countersign/fastify`, as built. The signature of every ID Token is verified. The
 * session holds all claims of the ID Token but `nonce` and `at_hash`, encrypted.
 *
 * @module
 */

import { oidc } from '@countersign/fastify'
import fastify from 'fastify'

/** Creates the app. */
export async function createApp({ issuer, baseUrl, secret, clientKey, alg }) {
  const app = fastify({ logger: false })
  await app.register(oidc, {
    issuer,
    clientId: 'bench',
    clientKey: [{ key: clientKey, alg }],
    baseUrl,
    session: { secret },
  })
  app.get('/me', async (request) => {
    const { user } = request.oidc
    return { sub: user?.sub ?? null, name: user?.name ?? null }
  })
  app.get('/plain', async () => ({ status: 'fine' }))
  await app.ready()
  return app.routing
}
