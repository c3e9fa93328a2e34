/**
 * OpenID Connect login for Fastify 5. Translates; all that it knows of OpenID Connect is the name.
 *
 * @module
 */

import {
  type AnyOptions,
  createRelyingParty,
  type Exchange,
  type Oidc,
  type Options,
  optionsFromEnv,
  type Received,
  type RelyingParty,
} from '@countersign/core'
import type { FastifyInstance, FastifyPluginAsync, RegisterOptions } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { createExchange, exchangeKey, send } from './exchange.ts'
import { findPaths, serveRoutes } from './routes.ts'

export * from '@countersign/core'
export { type OidcGuard, requireLogin } from './guard.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The Relying Party of this context. Set by `oidc`. */
    relyingParty: RelyingParty
  }
  interface FastifyRequest {
    /** The End-User of this request. Set by `oidc`. */
    oidc: Oidc
    [exchangeKey]: Exchange
  }
}

/** No options at all: they are in the environment. */
type NoOptions = { readonly [Name in keyof Options]?: never }

/** What `register` takes: options, or a Relying Party; without any, the environment (`OIDC_*`). */
export type OidcPluginOptions = RelyingParty | ((AnyOptions | NoOptions) & Placement)

/** What `register` takes itself. */
export interface Placement extends Pick<RegisterOptions, 'logLevel' | 'logSerializers'> {
  /** The path of `baseUrl`, where the plugin serves its routes below it. */
  readonly prefix?: string
}

/**
 * Registers the Relying Party's own routes and sets `request.oidc` on every request.
 *
 * Without options they are read from the environment (`OIDC_*`).
 *
 * @throws ConfigurationError with every fault of the options, from `register` and from `ready()`
 */
export const oidc: FastifyPluginAsync<OidcPluginOptions> = fastifyPlugin(register, {
  fastify: '5.x',
  name: '@countersign/fastify',
})

async function register(app: FastifyInstance, options: OidcPluginOptions): Promise<void> {
  const { relyingParty, prefix } = readOptions(options)
  app.decorate('relyingParty', relyingParty)
  app.decorateRequest('oidc')
  app.decorateRequest(exchangeKey)
  app.addHook('onRequest', (request, reply, done) => {
    const exchange = createExchange(request, reply)
    request[exchangeKey] = exchange
    const take = (received: Received): unknown => {
      if (received.response) return send(reply, received.response)
      request.oidc = received.oidc
      return done()
    }
    const received = relyingParty.open(exchange)
    if (received instanceof Promise) received.then(take).catch(done)
    else void take(received)
  })
  // One that was given is somebody else's to close
  if (relyingParty !== options) app.addHook('onClose', () => relyingParty.close())
  await app.register(serveRoutes(relyingParty, findPaths(relyingParty, app.prefix, prefix)))
}

function readOptions(options: OidcPluginOptions): {
  readonly relyingParty: RelyingParty
  readonly prefix?: string | undefined
} {
  if ('receive' in options) return { relyingParty: options }
  const { prefix, logLevel: _, logSerializers: __, ...given } = options
  const all = Object.keys(given).length === 0 ? optionsFromEnv(process.env) : (given as AnyOptions)
  return { relyingParty: createRelyingParty(all), prefix }
}
