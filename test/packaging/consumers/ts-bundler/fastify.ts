import { type Options, oidc, requireLogin, type UserClaims } from '@countersign/fastify'
import fastify, { type FastifyInstance } from 'fastify'

export async function createApp(options: Options): Promise<{ readonly app: FastifyInstance }> {
  const app = fastify()
  await app.register(oidc, options)
  app.get('/profile', { onRequest: requireLogin({ maxAge: 60 }) }, async (request) => {
    const user: UserClaims | undefined = request.oidc.user
    return { email: user?.email }
  })
  return { app }
}
