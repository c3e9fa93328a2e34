/**
 * The End-User behind a WebSocket handshake.
 *
 * @module
 */

import { createContext, type Oidc } from './context.ts'
import { tellError } from './error-response.ts'
import { ConfigurationError, TransactionError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import { type NodeHeaders, readHeader } from './http/headers.ts'
import { isFromOneOf } from './http/origin.ts'
import type { Claims, IdTokenClaims, UserClaims } from './session/session.ts'
import type { Wiring } from './wiring.ts'

/** A request to upgrade, as Node's `upgrade` event brings it: an `IncomingMessage`. */
export interface Handshake {
  readonly url?: string | undefined
  readonly headers: NodeHeaders
}

/** Who may open a WebSocket. */
export interface HandshakeOptions {
  /** Origins besides that of `baseUrl` whose pages may, such as `https://www.app.example`. */
  readonly origins?: readonly string[]
}

/** The session of somebody who is signed in, to be read. There is no response to change it with. */
export interface OpenSession<User extends Claims = UserClaims>
  extends Pick<Oidc<User>, 'idToken' | 'scope' | 'sid' | 'expiresAt' | 'accessToken' | 'userInfo'> {
  readonly user: User
  readonly claims: IdTokenClaims
  /** When the session ends if no request uses it until then. A WebSocket should not outlive it. NumericDate. */
  readonly endsAt: number
}

/**
 * Reads the session of a handshake; `undefined` for an anonymous End-User and for another site's page.
 *
 * @throws SessionError `ERR_SESSION_STORE`
 */
export async function readHandshake<User extends Claims>(
  wiring: Wiring,
  handshake: Handshake,
  { origins = [] }: HandshakeOptions,
): Promise<OpenSession<User> | undefined> {
  const exchange = createHandshakeExchange(handshake)
  if (!isFromOneOf([wiring.config.baseUrl.origin, ...origins.map(readOrigin)], exchange)) {
    const error = new TransactionError(
      'ERR_CROSS_SITE_REQUEST',
      'a WebSocket was asked for by a page of another origin, or by no page',
      { reason: 'mismatch' },
    )
    tellError(wiring.emit, 'request.refused', error)
    return undefined
  }
  const handle = wiring.store.open(exchange)
  await handle.load()
  if (handle.failure) throw handle.failure
  const oidc = createContext<User>(wiring, exchange)
  return isSignedIn(oidc) ? oidc : undefined
}

function readOrigin(given: string): string {
  const origin = URL.canParse(given) ? new URL(given).origin : 'null'
  // "null" is the origin of every sandboxed frame
  if (origin !== 'null') return origin
  const message = `"${given}" is not an origin, such as "https://www.app.example"`
  throw new ConfigurationError([{ path: 'origins', message }])
}

function isSignedIn<User extends Claims>(oidc: Oidc<User>): oidc is Oidc<User> & OpenSession<User> {
  return oidc.isAuthenticated
}

function createHandshakeExchange({ url, headers }: Handshake): Exchange {
  return {
    method: 'GET',
    target: url ?? '/',
    header: (name) => readHeader(headers, name),
    form: () => Promise.resolve(new URLSearchParams()),
    // As good as gone: nothing can be set on it, and nothing is answered
    isStarted: () => true,
    setCookie: () => {},
    send: () => {},
  }
}
