// @ts-check
import { ConfigurationError, oidc, requireLogin } from '@countersign/express'
import express from 'express'
import { headers, homePage, notFoundPage, profilePage, readKeyIds } from './pages.js'

const port = Number(process.env.PORT || 3000)
const signIn = createSignIn()
const { issuer } = signIn.relyingParty

const app = express().disable('x-powered-by').disable('etag')

app.use((_req, res, next) => {
  res.set(headers)
  next()
})

// Answers /login, /callback, /logout and /.well-known/jwks.json, and sets req.oidc for all the others
app.use(signIn)

app.get('/', (req, res) => {
  res.send(homePage({ user: req.oidc.user, issuer }))
})

app.get('/profile', requireLogin(), async (req, res) => {
  res.send(profilePage({ oidc: req.oidc, issuer, keyIds: await readKeyIds(port) }))
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
  server.close(() => signIn.relyingParty.close())
  setTimeout(() => server.closeAllConnections(), 2000).unref() // a browser holds spare ones
}

function createSignIn() {
  try {
    return oidc() // reads OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_KEY …; makes no request
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
