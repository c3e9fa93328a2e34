/**
 * The floor: Fastify without login, without a log and without schemas.
 *
 * @module
 */

import fastify from 'fastify'
import { buildAuthenticationRequest, fetchTokens, sealed } from '../../floor.js'

const attributes = 'Path=/; HttpOnly; SameSite=Lax'

/** Creates the app. */
export async function createApp(setting) {
  const app = fastify({ logger: false })
  const target = buildAuthenticationRequest(setting)

  app.get('/login', (_request, reply) => {
    reply.header('set-cookie', `transaction=${sealed}; Max-Age=600; ${attributes}`)
    return reply.redirect(target)
  })
  app.get('/callback', async (request, reply) => {
    await fetchTokens(setting, request.query.code)
    reply.header('set-cookie', `transaction=; Max-Age=0; ${attributes}`)
    reply.header('set-cookie', `session=${sealed}; Max-Age=86400; ${attributes}`)
    return reply.redirect('/')
  })
  app.get('/me', async () => ({ sub: 'user-000000', name: 'Jane Q. Public' }))
  app.get('/plain', async () => ({ status: 'fine' }))
  await app.ready()
  return app.routing
}
