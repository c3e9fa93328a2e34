// @ts-check
import { ConfigurationError, oidc, optionsFromEnv, requireLogin } from '@countersign/fastify'
import fastify from 'fastify'
import { headers, homePage, notFoundPage, profilePage, readKeyIds } from './pages.js'
import { withStore } from './store.js'

const port = Number(process.env.PORT || 3000)
const { options, place, close } = readSettings()

const app = fastify()

app.addHook('onRequest', async (_request, reply) => {
  reply.headers(headers)
})

// Answers /login, /callback, /logout, /backchannel-logout …, and sets request.oidc for all the others.
// Makes no request
await app.register(oidc, options)
const { issuer } = app.relyingParty

app.get('/', async ({ oidc }, reply) => {
  reply.type('text/html; charset=utf-8')
  return homePage({ user: oidc.user, issuer })
})

app.get('/profile', { onRequest: requireLogin() }, async ({ oidc }, reply) => {
  reply.type('text/html; charset=utf-8')
  return profilePage({ oidc, issuer, place, keyIds: await readKeyIds(port) })
})

// For programs: an answer, never a redirect
app.get('/api/me', async ({ oidc }, reply) => {
  if (oidc.user) return oidc.user
  reply.code(401).header('WWW-Authenticate', 'Cookie realm="example"')
  reply.type('application/problem+json')
  return { status: 401, title: 'Sign-in is required' }
})

app.setNotFoundHandler(async (_request, reply) => {
  reply.code(404).type('text/html; charset=utf-8')
  return notFoundPage()
})

// Plain http is for this machine only, so nobody else has to reach it
const host = process.env.OIDC_BASE_URL?.startsWith('http:') ? '127.0.0.1' : '0.0.0.0'
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop)
await app.listen({ port, host }).catch(fail)
console.log(`The app is at ${process.env.OIDC_BASE_URL}`)

async function stop() {
  setTimeout(() => app.server.closeAllConnections(), 2000).unref() // a browser holds spare ones
  await app.close()
  await close()
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
