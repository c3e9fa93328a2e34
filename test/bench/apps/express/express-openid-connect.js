/**
 * Express with express-openid-connect and `private_key_jwt`, with the defaults that it has. In the code
 * flow it takes the ID Token from the token endpoint without verifying its signature. The session holds
 * the ID Token and the access token, encrypted.
 *
 * @module
 */

import express from 'express'
import eoc from 'express-openid-connect'

/** Creates the app. */
export function createApp({ issuer, baseUrl, secret, clientKey, alg }) {
  const app = express().disable('x-powered-by')
  app.use(
    eoc.auth({
      issuerBaseURL: issuer,
      clientID: 'bench',
      clientAssertionSigningKey: clientKey,
      clientAssertionSigningAlg: alg,
      baseURL: baseUrl,
      secret,
      authRequired: false,
      authorizationParams: { response_type: 'code', scope: 'openid profile email' },
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
