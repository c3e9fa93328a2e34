/**
 * OpenID Connect login for Fastify 5. Translates; all that it knows of OpenID Connect is the name.
 *
 * @module
 */

import {
  type Claims,
  ConfigurationError,
  createRelyingParty,
  type Exchange,
  type Oidc,
  type OidcResponse,
  type Options,
  optionsFromEnv,
  type RelyingParty,
  type Requirements,
  type UserClaims,
} from '@countersign/core'
import { createNodeExchange, writeNodeResponse } from '@countersign/core/node'
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'

export * from '@countersign/core'

declare module 'fastify' {
  interface FastifyInstance {
    /** The Relying Party of this context. Set by `oidc`. */
    relyingParty: RelyingParty
  }
  interface FastifyRequest {
    /** The End-User of this request. Set by `oidc`. */
    oidc: Oidc
  }
}

/** No options at all: they are in the environment. */
type NoOptions = { readonly [Name in keyof Options]?: never }

/** What `register` takes: options, or a Relying Party; without any, the environment (`OIDC_*`). */
export type OidcPluginOptions = (Options | RelyingParty | NoOptions) & {
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
  const { relyingParty, isOurs } = readRelyingParty(options)
  app.decorate('relyingParty', relyingParty)
  app.decorateRequest('oidc')
  app.addHook('onRequest', (request, reply, done) => {
    request.oidc = relyingParty.open(createExchange(request, reply))
    done()
  })
  if (isOurs) app.addHook('onClose', () => relyingParty.close())
  await app.register(serveRoutes(relyingParty, findPaths(relyingParty, app.prefix, options.prefix)))
}

/** A context of their own for our routes: its parsers are nobody else's. */
function serveRoutes(relyingParty: RelyingParty, paths: readonly string[]): FastifyPluginAsync {
  return async (scope) => {
    // A form is read by its route and under its own limit, whatever parsers the app has
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
    for (const url of paths) {
      scope.route({
        method: scope.supportedMethods,
        url,
        handler: (request, reply) => answer(relyingParty, request, reply),
      })
    }
  }
}

function readRelyingParty(options: OidcPluginOptions): {
  readonly relyingParty: RelyingParty
  readonly isOurs: boolean
} {
  if ('receive' in options) return { relyingParty: options, isOurs: false }
  const { prefix: _, ...given } = options
  const all = Object.keys(given).length === 0 ? optionsFromEnv(process.env) : (given as Options)
  return { relyingParty: createRelyingParty(all), isOurs: true }
}

/** The paths to register our routes at, below the prefix that the context has by itself. */
function findPaths(
  { basePath, routes }: RelyingParty,
  contextPrefix: string,
  prefix = '',
): readonly string[] {
  const below = contextPrefix + prefix
  if (below === '') {
    // A proxy may take the path of "baseUrl" away, or leave it
    return [...new Set(routes.flatMap(({ path }) => [path, basePath + path]))]
  }
  if (below === basePath) return routes.map(({ path }) => prefix + path)
  const message = `must end in the prefix "${below}" that the plugin is registered with`
  throw new ConfigurationError([{ path: 'baseUrl', message }])
}

async function answer(
  relyingParty: RelyingParty,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const { response } = await relyingParty.receive(createExchange(request, reply))
  // The app's router may take for ours what is not, such as "/LOGIN"
  if (!response) return reply.callNotFound()
  await send(reply, response)
  return reply
}

/** A reply as far as it is used: of any server, HTTP/2 included, and of any route. */
interface Reply {
  readonly sent: boolean
  readonly raw: object
  readonly request: { readonly raw: object }
  code(status: number): unknown
  headers(headers: Readonly<Record<string, string>>): unknown
  /** `never`: what a route may send is declared by the route, and a response of ours is none of it. */
  send(payload: never): unknown
}

/** A hook that lets a request pass only for an End-User who meets the requirements. */
export function requireLogin<User extends Claims = UserClaims>(
  requirements?: Requirements<User>,
): (request: Pick<FastifyRequest, 'oidc'>, reply: Reply) => Promise<unknown> {
  return async function requireLogin(request, reply) {
    const oidc = readOidc(request) as unknown as Oidc<User>
    const response = await oidc.require(requirements)
    if (!response) return undefined
    await send(reply, response)
    return reply
  }
}

function createExchange(request: FastifyRequest, reply: FastifyReply): Exchange {
  return createNodeExchange(request.raw, reply.raw, request.originalUrl, {
    body: () => request.body,
    setCookie(value) {
      reply.header('set-cookie', value)
      // For whoever hijacks the reply; otherwise the reply's own headers take this one's place
      reply.raw.appendHeader('set-cookie', value)
    },
    send: (response) => send(reply, response),
  })
}

/** Hands the response to Fastify, and waits until it is written: hooks of the app may take their time. */
async function send(reply: Reply, response: OidcResponse): Promise<void> {
  const { status, headers, body } = response
  if (reply.sent) {
    // Somebody has hijacked it
    const { request, raw } = reply
    writeNodeResponse(request.raw as FastifyRequest['raw'], raw as FastifyReply['raw'], response)
    return
  }
  reply.code(status)
  reply.headers(headers)
  // As bytes: to the content type of a text Fastify would add a charset
  await reply.send((body === '' ? undefined : Buffer.from(body)) as never)
}

function readOidc({ oidc }: { readonly oidc?: Oidc }): Oidc {
  if (oidc) return oidc
  const message = 'needs app.register(oidc) before it'
  throw new ConfigurationError([{ path: 'requireLogin()', message }])
}
