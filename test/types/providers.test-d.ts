/** What `oidc()` and `createRelyingParty()` can be told of several providers. */

import {
  type AnyOptions,
  createRelyingParty,
  everyTenant,
  oidc as expressOidc,
  type MultiProviderOptions,
  type Oidc,
  type Options,
  type ProviderOptions,
  type RelyingParty,
  requireLogin,
} from '@countersign/express'
import { type everyTenant as fastifyEveryTenant, oidc as fastifyOidc } from '@countersign/fastify'
import { type everyTenant as koaEveryTenant, oidc as koaOidc } from '@countersign/koa'
import fastify from 'fastify'
import type { Equals, Expect } from './equals.ts'

const shared = {
  clientKey: 'file:./key.pem',
  baseUrl: 'https://app.example',
  session: { secret: 'x'.repeat(32) },
}
const criipto: ProviderOptions = { issuer: 'https://criipto.example', clientId: 'app' }
const signicat = { issuer: 'https://signicat.example', clientId: 'app', label: 'Signicat' }
const providers = { criipto, signicat }

const options: MultiProviderOptions = { ...shared, providers }
const single: Options = { ...shared, ...criipto }

export const rp: RelyingParty = createRelyingParty(options)
export const middlewares: readonly unknown[] = [
  expressOidc(options),
  expressOidc(single),
  koaOidc(options),
  fastify().register(fastifyOidc, options),
]

export const right: readonly AnyOptions[] = [
  options,
  single,
  { ...shared, providers: (id) => (id === 'acme' ? criipto : undefined) },
  { ...shared, providers: async () => undefined },
  { ...shared, providers, resolve: (exchange) => exchange.header('x-tenant') },
  { ...shared, providers, resolve: async ({ target }) => target.split('/')[1] },
  { ...shared, providers, resolve: ({ target }) => (target === '/' ? everyTenant : undefined) },
  { ...shared, providers, resolve: async ({ target }) => (target === '/' ? everyTenant : 'x') },
]

export const wrong: readonly AnyOptions[] = [
  // @ts-expect-error one provider and several
  { ...shared, ...criipto, providers },
  // @ts-expect-error an issuer is of one provider
  { ...shared, issuer: 'https://criipto.example', providers },
  // @ts-expect-error neither one nor several
  { ...shared },
  // @ts-expect-error nothing to choose from
  { ...shared, ...criipto, resolve: () => 'criipto' },
  // @ts-expect-error a provider has an identity
  { ...shared, providers: { criipto: { issuer: 'https://criipto.example' } } },
  // @ts-expect-error the same for all
  { ...shared, providers: { criipto: { ...signicat, baseUrl: 'https://app.example' } } },
  // @ts-expect-error a letter off
  { ...shared, providers: { criipto: { ...signicat, lable: 'x' } } },
  // @ts-expect-error an id, and not what belongs to it
  { ...shared, providers, resolve: () => criipto },
  // @ts-expect-error any symbol
  { ...shared, providers, resolve: () => Symbol('x') },
]

requireLogin({ provider: 'criipto' })
requireLogin({ provider: ['criipto', 'signicat'] })

export type Answers = [
  Expect<Equals<typeof fastifyEveryTenant, typeof everyTenant>>,
  Expect<Equals<typeof koaEveryTenant, typeof everyTenant>>,
  Expect<Equals<Oidc['provider'], string | undefined>>,
]
