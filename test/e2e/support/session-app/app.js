// An app in a process of its own, which shares its sessions with others. It tells its parent what happens,
// and lives at the time that its parent says.
import { oidc, requireLogin } from '@countersign/express'
import express from 'express'
import { openStore } from './store.js'

let ahead = 0
const [now, elapsed] = [Date.now, performance.now]
Date.now = () => now() + ahead
performance.now = () => elapsed.call(performance) + ahead

const { port, options } = JSON.parse(process.env.SESSION_APP ?? '{}')
const { store, close } = await openStore(process.env)
const signIn = oidc({
  ...options,
  session: { ...options.session, ...(store && { store }) },
  onEvent: (event) => process.send?.({ event }),
})

const app = express()
app.use(signIn)
app.get('/profile', requireLogin(), (req, res) => res.json(req.oidc.user))
app.get('/token', async (req, res) => {
  res.json({ accessToken: await req.oidc.accessToken() })
})
app.get('/refresh', async (req, res) => {
  await req.oidc.refresh()
  res.json({ accessToken: await req.oidc.accessToken() })
})
app.use((error, _req, res, _next) => {
  res.status(error.status ?? 500).json({ code: error.code, message: error.message })
})

const server = app.listen(port, '127.0.0.1', () => process.send?.({ listening: true }))

process.on('message', ({ advance = 0 }) => {
  ahead += advance * 1000
  process.send?.({ advanced: true })
})
process.on('disconnect', () => {
  server.closeAllConnections()
  server.close()
  void signIn.relyingParty.close().then(close)
})
