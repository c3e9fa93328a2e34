/**
 * Cookies that outlive an error.
 *
 * @module
 */

import type { ExtendableContext } from 'koa'

/**
 * To answer an error Koa drops all headers but those of the error. So while it does, the cookies are
 * among them: what they say has happened, such as tokens that were refreshed.
 */
export function keepOnError(ctx: ExtendableContext, cookies: readonly string[]): void {
  const { onerror } = ctx
  ctx.onerror = (thrown: unknown) => {
    // What Koa's own handler calls when all went well
    if (thrown === null || thrown === undefined) return
    const error = isError(thrown) ? thrown : new Error('non-error thrown', { cause: thrown })
    const restore = lendCookies(error, cookies)
    try {
      onerror.call(ctx, error)
    } finally {
      // One error may be thrown for many requests
      restore()
    }
  }
}

function isError(thrown: unknown): thrown is Error {
  // Of another realm, too: as Koa has it
  return thrown instanceof Error || Object.prototype.toString.call(thrown) === '[object Error]'
}

function lendCookies(error: Error & { headers?: object }, cookies: readonly string[]): () => void {
  const before = Object.getOwnPropertyDescriptor(error, 'headers')
  const value: Record<string, unknown> = { 'set-cookie': cookies }
  for (const [name, own] of Object.entries(error.headers ?? {})) {
    if (name.toLowerCase() === 'set-cookie') value['set-cookie'] = [own, cookies].flat()
    else value[name] = own
  }
  // Not enumerable, so that no log shows them
  if (!Reflect.defineProperty(error, 'headers', { value, configurable: true, enumerable: false })) {
    return () => {}
  }
  return () => {
    if (before) Object.defineProperty(error, 'headers', before)
    else delete error.headers
  }
}
