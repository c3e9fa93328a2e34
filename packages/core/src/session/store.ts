/**
 * Where sessions live: the contract of a session store.
 *
 * @module
 */

import type { Exchange } from '../exchange.ts'
import type { Session } from './session.ts'

/** The session of one request. */
export interface SessionHandle {
  /** The session, or `undefined` for an anonymous End-User. Nothing is opened before the first call. */
  read(): Session | undefined
  /**
   * Replaces the session, and returns the bytes of cookies it takes. MUST be done before the head of
   * the response leaves.
   *
   * @throws SessionError `ERR_COOKIE_TOO_LARGE`, `ERR_RESPONSE_STARTED`
   */
  write(session: Session): number
  /** Ends the session. */
  clear(): void
}

/** Opens the session of each request. */
export interface SessionStore {
  /** The handle is the same one for the same exchange. */
  open(exchange: Exchange): SessionHandle
  /** What the browser sent in place of a session, to tell why there is none. */
  inspect(exchange: Exchange): 'none' | 'unreadable' | 'readable'
}
