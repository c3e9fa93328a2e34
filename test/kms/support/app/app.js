// An app in a process of its own, which signs in with a key in a key store. It tells its parent what
// happens, and lives at the time that its parent says.
import { oidc, optionsFromEnv, requireLogin } from '@countersign/express'
import express from 'express'
import { openKeys, preload } from './keys.js'

let ahead = 0
const [now, elapsed] = [Date.now, performance.now]
Date.now = () => now() + ahead
performance.now = () => elapsed.call(performance) + ahead

const { keys = {}, env } = JSON.parse(process.env.TEST_APP ?? '{}')
await preload(env.OIDC_CLIENT_KEY)
const clientKey = await openKeys(keys)
const signIn = oidc({
  ...optionsFromEnv(env),
  ...(clientKey && { clientKey }),
  // A login that nobody waits for any more may end after the test
  onEvent: (event) => process.connected && process.send({ event }),
})

const app = express()
app.get('/public', (_req, res) => res.send('public'))
app.use(signIn)
app.get('/profile', requireLogin(), (req, res) => res.json(req.oidc.user))

// The parent has held the port since it told the provider of it, and hands it over
process.once('message', (_, port) => {
  const server = app.listen(port, () => process.send?.({ listening: true }))
  // A browser may take its time between two requests: that is for it to end a connection
  server.keepAliveTimeout = 0
  process.on('message', ({ advance = 0 }) => {
    ahead += advance * 1000
    process.send?.({ advanced: true })
  })
  process.on('disconnect', () => {
    server.closeAllConnections()
    server.close()
    void signIn.relyingParty.close()
  })
})
process.send?.({ loaded: true })
