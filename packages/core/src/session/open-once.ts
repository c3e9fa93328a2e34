/**
 * One handle for each exchange: whoever looks after a logout must see that it has happened.
 *
 * @module
 */

import type { Exchange } from '../exchange.ts'
import type { OpenOptions, SessionHandle } from './store.ts'

const none: OpenOptions = {}

/** Opens the session of an exchange. `options` count the first time. */
export type Open<Handle extends SessionHandle> = (
  exchange: Exchange,
  options?: OpenOptions,
) => Handle

/**
 * Makes handles once. They are kept on the exchange itself, since a WeakMap with an entry for each request
 * costs more than all the rest.
 */
export function openOnce<Handle extends SessionHandle>(
  create: (exchange: Exchange, options: OpenOptions) => Handle,
): Open<Handle> {
  const key = Symbol('session')
  return (exchange: Exchange & { [key]?: Handle }, options = none) => {
    exchange[key] ??= create(exchange, options)
    return exchange[key]
  }
}
