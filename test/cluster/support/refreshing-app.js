/**
 * An app that refreshes its access token with each request, over the store of the Express example.
 *
 * @module
 */

import { oidc, optionsFromEnv } from '@countersign/express'
import express from 'express'
import { withStore } from '../../../examples/express/store.js'

const { options, close } = withStore(optionsFromEnv(process.env), process.env)
const keep = ['accessToken', 'refreshToken']
const signIn = oidc({ ...options, session: { ...options.session, keep } })

const app = express()
app.use(signIn)
app.get('/api/me', async (req, res) => {
  if (!req.oidc.user) return void res.status(401).end()
  // Longer than any lives: what there is will never do
  await req.oidc.accessToken({ minLifetime: 86_400 })
  res.json(req.oidc.user)
})

const server = app.listen(Number(process.env.PORT), '127.0.0.1', () => {
  process.stdout.write(`The app is at ${process.env.OIDC_BASE_URL}\n`)
})

process.once('SIGTERM', () => {
  server.close(async () => {
    await signIn.relyingParty.close()
    await close()
  })
  server.closeIdleConnections()
})
