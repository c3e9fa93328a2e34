// @ts-check
import { oidc, optionsFromEnv, requireLogin } from '@countersign/express'
import express from 'express'
import { headers, homePage, notFoundPage, profilePage, readKeyIds } from './pages.js'
import { withStore } from './store.js'

const { port, options, place, close } = readSettings()
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
    const port = readPort(process.env.PORT?.trim() || '3000')
    // OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_KEY … and where sessions live
    const options = { ...optionsFromEnv(process.env), onEvent: complain }
    return { port, ...withStore(options, process.env) }
  } catch (error) {
    return fail(/** @type {Error} */ (error))
  }
}

/** @param {string} text */
function readPort(text) {
  if (/^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535) return Number(text)
  throw new RangeError(`PORT has to be a number from 1 to 65535, and is ${JSON.stringify(text)}`)
}

/**
 * Says why a page was an error, under the reference that it shows. An event holds no secret.
 *
 * @param {import('@countersign/express').OidcEvent} event
 */
function complain(event) {
  if (!('reference' in event)) return
  const { type, reference, error } = event
  console.error(`${type}: ${error.code}: ${error.message} (reference ${reference})`)
}

/** Ends with one line: this is for who starts the app. @param {Error} error @returns {never} */
function fail({ message }) {
  console.error(message)
  process.exit(2)
}
