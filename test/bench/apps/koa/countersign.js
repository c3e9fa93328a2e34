/**
 * Koa with `@countersign/koa`, as built. The signature of every ID Token is verified. The session holds
 * all claims of the ID Token but `nonce` and `at_hash`, encrypted.
 *
 * @module
 */

import { oidc } from '@countersign/koa'
import Koa from 'koa'

/** Creates the app. */
export function createApp({ issuer, baseUrl, secret, clientKey, alg }) {
  const app = new Koa()
  app.use(
    oidc({
      issuer,
      clientId: 'bench',
      clientKey: [{ key: clientKey, alg }],
      baseUrl,
      session: { secret },
    }),
  )
  app.use(async (ctx) => {
    switch (ctx.path) {
      case '/me': {
        const { user } = ctx.oidc
        ctx.body = { sub: user?.sub ?? null, name: user?.name ?? null }
        break
      }
      case '/plain':
        ctx.body = { status: 'fine' }
    }
  })
  return app.callback()
}
