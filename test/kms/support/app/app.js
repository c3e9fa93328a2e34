// An app in a process of its own, which signs in with a key in a key store. It tells its parent what
// happens, and lives at the time that its parent says.
import { oidc, optionsFromEnv, requireLogin } from '@countersign/express'
import express from 'express'
import { openKeys } from './keys.js'

let ahead = 0
const [now, elapsed] = [Date.now, performance.now]
Date.now = () => now() + ahead
performance.now = () => elapsed.call(performance) + ahead

const { keys = {}, env } = JSON.parse(process.env.TEST_APP ?? '{}')
const clientKey = await openKeys(keys)
const signIn = oidc({
  ...optionsFromEnv(env),
  ...(clientKey && { clientKey }),
  onEvent: (event) => process.send?.({ event }),
})

const app = express()
app.get('/public', (_req, res) => res.send('public'))
app.use(signIn)
app.get('/profile', requireLogin(), (req, res) => res.json(req.oidc.user))

const server = app.listen(Number(new URL(env.OIDC_BASE_URL).port), '127.0.0.1', () => {
  process.send?.({ listening: true })
})

process.on('message', ({ advance = 0 }) => {
  ahead += advance * 1000
  process.send?.({ advanced: true })
})
process.on('disconnect', () => {
  server.closeAllConnections()
  server.close()
  void signIn.relyingParty.close()
})
