/**
 * Fastify with `@fastify/secure-session` and, for the login, `@fastify/oauth2` with a client secret and
 * PKCE. The session holds the same claims as ours, encrypted; the ID Token is decoded and not checked.
 *
 * @module
 */

import { createHash } from 'node:crypto'
import oauth2 from '@fastify/oauth2'
import secureSession from '@fastify/secure-session'
import fastify from 'fastify'
import { pickKeptClaims } from '../../kept-claims.js'

const day = 86_400

/** Creates the app. */
export async function createApp({ issuer, baseUrl, secret }) {
  const app = fastify({ logger: false })
  await app.register(secureSession, {
    // A key, not a secret: to derive one would take most of a second at the start
    key: createHash('sha256').update(secret).digest(),
    expiry: day,
    cookie: { path: '/', httpOnly: true, sameSite: 'lax', maxAge: day },
  })
  await app.register(oauth2, {
    name: 'bench',
    scope: ['openid', 'profile', 'email'],
    credentials: {
      client: { id: 'bench', secret },
      // Named and not discovered: the plugin would ask the provider before the app is ready
      auth: { tokenHost: issuer, tokenPath: '/token', authorizePath: '/authorize' },
    },
    startRedirectPath: '/login',
    callbackUri: `${baseUrl}/callback`,
    pkce: 'S256',
    cookie: { path: '/' },
  })
  app.get('/callback', async (request, reply) => {
    const { token } = await app.bench.getAccessTokenFromAuthorizationCodeFlow(request, reply)
    request.session.set('user', pickKeptClaims(decode(token.id_token)))
    return reply.redirect('/')
  })
  app.get('/me', async (request) => {
    const user = request.session.get('user')
    return { sub: user?.sub ?? null, name: user?.name ?? null }
  })
  app.get('/plain', async () => ({ status: 'fine' }))
  await app.ready()
  return app.routing
}

function decode(jwt) {
  return JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url').toString())
}
