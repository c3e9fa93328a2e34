/**
 * Whose page a WebSocket handshake comes from.
 *
 * A browser lets every site open a WebSocket to every other, cookies included, and no CORS stands in
 * between. Its `Origin` is all that tells our page from somebody else's.
 *
 * @see RFC 6455, 4.2.2 and 10.2
 *
 * @module
 */

import type { Exchange } from '../exchange.ts'

/** Whether a page of one of these origins asks. A browser always says; who says nothing is no page of ours. */
export function isFromOneOf(origins: readonly string[], exchange: Exchange): boolean {
  const origin = exchange.header('origin')
  return origin !== undefined && origins.includes(origin)
}

/** Whether a WebSocket is asked for. */
export function isHandshake(exchange: Exchange): boolean {
  return exchange.header('upgrade')?.toLowerCase() === 'websocket'
}
