/**
 * A Fastify app for tests of what only Fastify has.
 *
 * @module
 */

import { Writable } from 'node:stream'
import { type OidcPluginOptions, oidc } from '@countersign/fastify'
import fastify, {
  type FastifyInstance,
  type FastifyPluginAsync,
  type FastifyServerOptions,
} from 'fastify'
import { onTestFinished } from 'vitest'

/** An app, and what it has logged at the level of a warning or above. It is closed with its test. */
export function create(settings: FastifyServerOptions = {}): {
  readonly app: FastifyInstance
  readonly warnings: readonly string[]
} {
  const warnings: string[] = []
  const stream = new Writable({
    write(line, _encoding, done) {
      warnings.push(String(line))
      done()
    },
  })
  const app = fastify({ logger: { level: 'warn', stream }, ...settings })
  onTestFinished(() => app.close())
  return { app, warnings }
}

/** A context of the app below a prefix, with a Relying Party of its own. */
export async function open(
  app: FastifyInstance,
  prefix: string,
  own: OidcPluginOptions,
): Promise<{ readonly scope: FastifyInstance }> {
  let opened = app
  const plugin: FastifyPluginAsync = async (scope) => {
    await scope.register(oidc, own)
    opened = scope
  }
  await app.register(plugin, { prefix })
  // A context is thenable: it must not be what a promise resolves to
  return { scope: opened }
}

/** Status and body of the answer to GET. */
export async function ask(
  app: FastifyInstance,
  url: string,
  headers: Record<string, string> = {},
): Promise<readonly [status: number, body: string]> {
  const { statusCode, body } = await app.inject({ url, headers })
  return [statusCode, body]
}
