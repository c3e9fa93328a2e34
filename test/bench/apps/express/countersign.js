/**
 * Express with `@countersign/express`, as built. The signature of every ID Token is verified. The
 * session holds all claims of the ID Token but `nonce` and `at_hash`, encrypted.
 *
 * @module
 */

import { oidc } from '@countersign/express'
import express from 'express'

/** Creates the app. */
export function createApp({ issuer, baseUrl, secret, clientKey, alg }) {
  const app = express().disable('x-powered-by')
  app.use(
    oidc({
      issuer,
      clientId: 'bench',
      clientKey: [{ key: clientKey, alg }],
      baseUrl,
      session: { secret },
    }),
  )
  app.get('/me', (req, res) => {
    const { user } = req.oidc
    res.json({ sub: user?.sub ?? null, name: user?.name ?? null })
  })
  app.get('/plain', (_req, res) => {
    res.json({ status: 'fine' })
  })
  return app
}
