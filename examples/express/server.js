// @ts-check
import { ConfigurationError, oidc, optionsFromEnv, requireLogin } from '@countersign/express'
import express from 'express'
import { headers, homePage, notFoundPage, profilePage, readKeyIds } from './pages.js'
import { withStore } from './store.js'

const port = Number(process.env.PORT || 3000)
const { options, place, close } = readSettings()
const signIn = oidc(options) // makes no request
const { issuer } = signIn.relyingParty

const app = express().disable('x-powered-by').disable('etag')

app.use((_req, res, next) => {
  res.set(headers)
  next()
})

// Answers /login, /callback, /logout, /backchannel-logout …, and sets req.oidc for all the others
app.use(signIn)

app.get('/', (req, res) => {
  res.send(homePage({ user: req.oidc.user, issuer }))
})

app.get('/profile', requireLogin(), async (req, res) => {
  res.send(profilePage({ oidc: req.oidc, issuer, place, keyIds: await readKeyIds(port) }))
})

// For programs: an answer, never a redirect
app.get('/api/me', (req, res) => {
  if (req.oidc.user) return void res.json(req.oidc.user)
  res.status(401).set('WWW-Authenticate', 'Cookie realm="example"')
  res.type('application/problem+json').json({ status: 401, title: 'Sign-in is required' })
})

app.use((_req, res) => {
  res.status(404).send(notFoundPage())
})

// Plain http is for this machine only, so nobody else has to reach it
const host = process.env.OIDC_BASE_URL?.startsWith('http:') ? '127.0.0.1' : undefined
const server = app.listen({ port, host }, (/** @type {Error | undefined} */ error) => {
  if (error) fail(error)
  console.log(`The app is at ${process.env.OIDC_BASE_URL}`)
})

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop)

function stop() {
  server.close(() => {
    signIn.relyingParty.close()
    void close()
  })
  setTimeout(() => server.closeAllConnections(), 2000).unref() // a browser holds spare ones
}

function readSettings() {
  try {
    // OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_KEY … and where sessions live
    return withStore(optionsFromEnv(process.env), process.env)
  } catch (error) {
    if (error instanceof ConfigurationError) return fail(error)
    throw error
  }
}

/** @param {Error} error @returns {never} */
function fail({ message }) {
  console.error(message)
  process.exit(1)
}
