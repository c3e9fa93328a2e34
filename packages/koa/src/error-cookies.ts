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
  ctx.onerror = (error: Error) => {
    const restore = error instanceof Error ? lendCookies(error, cookies) : undefined
    try {
      onerror.call(ctx, error)
    } finally {
      // One error may be thrown for many requests
      restore?.()
    }
  }
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
