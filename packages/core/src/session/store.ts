/**
 * Where sessions live: the contract of a session store.
 *
 * @module
 */

import type { SessionError } from '../errors.ts'
import type { Exchange } from '../exchange.ts'
import type { KeptTokens, Session } from './session.ts'

/** The session of one request. */
export interface SessionHandle {
  /**
   * Fetches what `read` is going to need; `undefined` where there is nothing to wait for. It does not
   * reject: a store that fails is a `failure`.
   */
  load(): Promise<void> | undefined
  /** The session, or `undefined` for an anonymous End-User. Nothing is opened before the first call. */
  read(): Session | undefined
  /** Why it is not known whether there is a session. */
  readonly failure?: SessionError | undefined
  /**
   * Begins a session in place of the one there is, and returns the bytes of cookies it takes. MUST be
   * done before the head of the response leaves. `since` is when its login began (NumericDate): an end at
   * the provider that came later is its end too.
   *
   * @throws SessionError `ERR_COOKIE_TOO_LARGE`, `ERR_RESPONSE_STARTED`, `ERR_SESSION_STORE`,
   *   `ERR_SESSION_ENDED`
   */
  write(session: Session, since?: number): number | Promise<number>
  /**
   * Replaces the tokens of the session that was read.
   *
   * @throws SessionError as `write` does, and `ERR_SESSION_ENDED`: a logout meanwhile is the last word
   */
  writeTokens(tokens: KeptTokens | undefined): void | Promise<void>
  /** Ends the session. @throws SessionError as `write` does */
  clear(): void | Promise<void>
  /** Where other processes have the same session before them. */
  readonly shared?: SharedSession | undefined
}

/** A session that several processes work with. */
export interface SharedSession {
  /** The session as it is now. @throws SessionError `ERR_SESSION_STORE` */
  reload(): Promise<Session | undefined>
  /** Takes over what another request of this process has written. */
  adopt(tokens: KeptTokens | undefined): void
  /** Ends the session where there is no response to take the cookie away with. */
  end(): Promise<void>
  /** Acts while no other process does so for this session, where the store has the means. */
  alone<Value>(act: () => Promise<Value>): Promise<Value>
}

/** How a session is looked at. */
export interface OpenOptions {
  /** Whether looking counts as using it. Default `true`. */
  readonly isUse?: boolean
}

/** Opens the session of each request. */
export interface SessionStore {
  /** The handle is the same one for the same exchange; `options` count the first time. */
  open(exchange: Exchange, options?: OpenOptions): SessionHandle
  /** What the browser sent in place of a session, to tell why there is none. */
  inspect(exchange: Exchange): 'none' | 'unreadable' | 'readable'
}
