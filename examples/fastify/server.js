// @ts-check
import { oidc, optionsFromEnv, requireLogin } from '@countersign/fastify'
import fastify from 'fastify'
import { headers, homePage, notFoundPage, profilePage, readKeyIds } from './pages.js'
import { withStore } from './store.js'

const { port, options, place, close } = readSettings()

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
 * @param {import('@countersign/fastify').OidcEvent} event
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
