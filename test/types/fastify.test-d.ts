/** What Fastify's handlers see, once `@countersign/fastify` has been imported. */

import {
  createRelyingParty,
  type Oidc,
  type Options,
  oidc,
  type RelyingParty,
  requireLogin,
  type UserClaims,
} from '@countersign/fastify'
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import type { Equals, Expect } from './equals.ts'

declare const request: FastifyRequest
declare const options: Options

export type Answers = [
  Expect<Equals<FastifyRequest['oidc'], Oidc>>,
  Expect<Equals<typeof request.oidc.user, UserClaims | undefined>>,
  Expect<Equals<FastifyInstance['relyingParty'], RelyingParty>>,
]

export async function register(app: FastifyInstance): Promise<void> {
  await app.register(oidc)
  await app.register(oidc, options)
  await app.register(oidc, { ...options, prefix: '/team' })
  await app.register(oidc, createRelyingParty(options))
  // @ts-expect-error an issuer alone is not enough
  await app.register(oidc, { issuer: 'https://op.example' })
  // @ts-expect-error there is no such option
  await app.register(oidc, { ...options, isuer: 'https://op.example' })

  const guard = requireLogin({ acr: 'mfa', maxAge: 0 })
  app.addHook('onRequest', guard)
  app.addHook('preHandler', guard)
  app.get('/a', { onRequest: guard }, async ({ oidc: { user } }) => user?.email satisfies unknown)
  app.get('/b', { preHandler: [guard, requireLogin()] }, ({ oidc }) => oidc.login())
  app.get<{ Params: { readonly id: string }; Reply: { readonly 200: { readonly id: string } } }>(
    '/c/:id',
    { onRequest: guard },
    async ({ params: { id } }, reply) => reply.code(200).send({ id }),
  )
  await app.relyingParty.ready()
  // @ts-expect-error seconds are a number
  requireLogin({ maxAge: '1h' })
}

export async function overHttp2(): Promise<void> {
  const app = fastify({ http2: true })
  await app.register(oidc, options)
  app.get('/', { onRequest: requireLogin() }, async ({ oidc: { user } }) => user)
}
