// @ts-check
import { oidc, optionsFromEnv, requireLogin } from '@countersign/koa'
import Router from '@koa/router'
import Koa from 'koa'
import { headers, homePage, notFoundPage, profilePage, readKeyIds } from './pages.js'
import { withStore } from './store.js'

const { port, options, place, close } = readSettings()
const signIn = oidc(options) // makes no request
const { issuer } = signIn.relyingParty

const app = new Koa()

app.use((ctx, next) => {
  ctx.set(headers)
  return next()
})

// Answers /login, /callback, /logout, /backchannel-logout …, and sets ctx.oidc for all the others
app.use(signIn)

const router = new Router()

router.get('/', (ctx) => {
  ctx.body = homePage({ user: ctx.oidc.user, issuer })
})

router.get('/profile', requireLogin(), async (ctx) => {
  ctx.body = profilePage({ oidc: ctx.oidc, issuer, place, keyIds: await readKeyIds(port) })
})

// For programs: an answer, never a redirect
router.get('/api/me', (ctx) => {
  const { user } = ctx.oidc
  ctx.body = user ?? { status: 401, title: 'Sign-in is required' }
  if (user) return
  ctx.status = 401
  ctx.set('WWW-Authenticate', 'Cookie realm="example"')
  ctx.type = 'application/problem+json; charset=utf-8'
})

app.use(router.routes())

app.use((ctx) => {
  ctx.status = 404
  ctx.body = notFoundPage()
})

// Plain http is for this machine only, so nobody else has to reach it
const host = process.env.OIDC_BASE_URL?.startsWith('http:') ? '127.0.0.1' : undefined
const server = app.listen({ port, host }).once('error', fail)
server.once('listening', () => console.log(`The app is at ${process.env.OIDC_BASE_URL}`))

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
 * @param {import('@countersign/koa').OidcEvent} event
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
