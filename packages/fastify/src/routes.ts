/**
 * The Relying Party's own routes, as routes of Fastify.
 *
 * @module
 */

import { ConfigurationError, type RelyingParty } from '@countersign/core'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest, FastifySchema } from 'fastify'
import { exchangeKey, type Request, send } from './exchange.ts'

/** Marks our routes. */
const isOurs = Symbol('isOurs')

/** A context of their own for our routes: its parsers are nobody else's. */
export function serveRoutes(
  relyingParty: RelyingParty,
  paths: readonly string[],
): FastifyPluginAsync {
  return async (scope) => {
    // A form is read by its route and under its own limit, whatever parsers the app has
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
    for (const url of paths) {
      scope.route({
        method: scope.supportedMethods,
        url,
        config: { [isOurs]: true } as object,
        // For API documents: these are no operations
        schema: { hide: true } as FastifySchema,
        handler: (request, reply) => answer(relyingParty, request, reply),
      })
    }
  }
}

/** The paths to register our routes at, below the prefix that the context has by itself. */
export function findPaths(
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
  const { response } = await relyingParty.receive(request[exchangeKey])
  // The app's router may take for ours what is not, such as "/LOGIN". The app's own handler of unknown
  // addresses is not asked: of the hooks that guard it, Fastify would run "preHandler" alone
  await send(reply, response ?? { status: 404, headers: { 'cache-control': 'no-store' }, body: '' })
  return reply
}

/** Routed to us, and by its own path: the app's router may take for ours what is not. */
export function isRouteOfOurs(request: Request): boolean {
  const { routeOptions, server } = request
  return isOurs in routeOptions.config && server.relyingParty.owns(request[exchangeKey])
}
