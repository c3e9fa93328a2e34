// @ts-check
import { ConfigurationError, oidc, optionsFromEnv, requireLogin } from '@countersign/koa'
import Router from '@koa/router'
import Koa from 'koa'
import { headers, homePage, notFoundPage, profilePage, readKeyIds } from './pages.js'
import { withStore } from './store.js'

const port = Number(process.env.PORT || 3000)
const { options, place, close } = readSettings()
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
