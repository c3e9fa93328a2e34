/**
 * The session of the request at hand.
 *
 * @module
 */

import { SessionError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import type { Session } from './session/session.ts'
import type { SessionHandle } from './session/store.ts'
import type { Wiring } from './wiring.ts'

/** What one request's view is made of. */
export interface Parts {
  readonly wiring: Wiring
  readonly exchange: Exchange
}

/** Opens the session of a request. */
export function open({ wiring, exchange }: Parts): SessionHandle {
  return wiring.store.open(exchange)
}

/**
 * Reads the session of somebody who is signed in.
 *
 * @throws SessionError `ERR_NOT_SIGNED_IN`
 */
export function readSession(request: Parts): Session {
  const session = open(request).read()
  if (session) return session
  throw new SessionError('ERR_NOT_SIGNED_IN', 'nobody is signed in')
}
