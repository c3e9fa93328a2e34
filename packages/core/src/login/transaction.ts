/**
 * One login in flight: what must be remembered between the Authentication Request and its response,
 * sealed into a cookie of its own, so that logins in several tabs do not meet.
 *
 * @module
 */

import type { Clock } from '../base/clock.ts'
import type { Exchange } from '../exchange.ts'
import {
  type CookieAttributes,
  clearCookie,
  maxCookies,
  readCookies,
  setCookie,
} from '../http/cookies.ts'
import type { Sealer } from '../jose/seal.ts'

/** What a step-up login has to deliver. */
export interface StepUp {
  readonly acr?: readonly string[] | undefined
  readonly amr?: readonly string[] | undefined
}

/** One login in flight. */
export interface Transaction {
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: string
  readonly issuer: string
  /** The id of the registration that it is of; none where there is only one. */
  readonly provider?: string | undefined
  readonly returnTo: string
  /** When the Authentication Request was made. NumericDate. */
  readonly startedAt: number
  /** The `max_age` that was asked for. */
  readonly maxAge?: number | undefined
  readonly stepUp?: StepUp | undefined
  /** The `acr` values that were asked for, where the answer has to be one of them. */
  readonly acr?: readonly string[] | undefined
  /** Whether the response comes as a POST from the provider's site. */
  readonly isFormPost?: boolean | undefined
  /** Whether this login was started because the code of another one had been used already. */
  readonly isRetry?: boolean | undefined
}

/** What is left of a login that is done, for the same callback coming again. */
export interface FinishedTransaction {
  readonly finished: true
  readonly state: string
  readonly returnTo: string
  readonly startedAt: number
  readonly isFormPost?: boolean | undefined
}

/** The transactions that browsers keep for us. */
export interface Transactions {
  /** Keeps a transaction; drops the oldest ones where there are too many. */
  begin(exchange: Exchange, transaction: Transaction): void
  /** The transaction of this browser with this `state`. */
  find(exchange: Exchange, state: string): Transaction | FinishedTransaction | undefined
  /**
   * Leaves only a trace of a transaction, which no code can be redeemed with, and makes room for the
   * session that came of it, whose cookies take `sessionSize` bytes.
   */
  finish(exchange: Exchange, transaction: Transaction, sessionSize: number): void
  /** Whether the browser still sends one that has taken too long. */
  isTooOld(exchange: Exchange, state: string): boolean
  /** Drops a transaction that failed. */
  drop(exchange: Exchange, state: string): void
  /** The name of the cookie for a `state`. */
  cookieName(state: string): string
}

/** Seconds that a login may take. */
export const transactionLifetime = 600
/** Seconds that the trace of a login is kept. */
const traceLifetime = 120
/** Logins in flight at once in one browser. */
const maxTransactions = 6

/** Creates the keeper of one Relying Party's transactions. */
export function createTransactions({
  name,
  attributes,
  sealer,
  clock,
}: {
  /** The session cookie's full name; a transaction's is derived from it. */
  name: string
  attributes: CookieAttributes
  sealer: Sealer
  clock: Clock
}): Transactions {
  const prefix = `${name}.login-`

  function put(
    exchange: Exchange,
    transaction: Transaction | FinishedTransaction,
    maxAge: number,
  ): number {
    const cookie = { name: prefix + transaction.state, value: sealer.seal(transaction), maxAge }
    // A Lax cookie does not come along with a POST from another site
    const crossSite = { ...attributes, sameSite: 'none', secure: true } as const
    setCookie(exchange, transaction.isFormPost ? crossSite : attributes, cookie)
    return cookie.name.length + cookie.value.length
  }

  function open(sealed: string): Transaction | FinishedTransaction | undefined {
    // Only we can have sealed it for this purpose, so its shape is ours
    return sealer.open(sealed) as Transaction | FinishedTransaction | undefined
  }

  function isAlive({ startedAt }: { readonly startedAt: number }): boolean {
    return clock.now() < startedAt + transactionLifetime
  }

  function read(sealed: string): Transaction | FinishedTransaction | undefined {
    const found = open(sealed)
    return found && isAlive(found) ? found : undefined
  }

  /** The bytes of what else the browser keeps for us. */
  function measureSession(exchange: Exchange): number {
    return Object.entries(readCookies(exchange, name))
      .filter(([other]) => other.startsWith(name) && !other.startsWith(prefix))
      .reduce((size, [other, value = '']) => size + other.length + value.length, 0)
  }

  /** Makes room for one more: unreadable and oldest ones go first. */
  function makeRoom(
    exchange: Exchange,
    { state, needed }: { state: string; needed: number },
  ): void {
    const others = Object.entries(readCookies(exchange, name))
      .filter(([cookieName]) => cookieName.startsWith(prefix) && cookieName !== prefix + state)
      .map(([cookieName, value = '']) => ({
        cookieName,
        size: cookieName.length + value.length,
        startedAt: read(value)?.startedAt ?? 0,
      }))
      // RFC 6265, 5.4: of cookies alike, a browser sends the earlier one first
      .reverse()
      .sort((a, b) => b.startedAt - a.startedAt)
    let size = needed
    others.forEach((other, index) => {
      size += other.size
      const fits = index < maxTransactions - 1 && size <= maxCookies
      if (!fits || other.startedAt === 0) clearCookie(exchange, attributes, other.cookieName)
    })
  }

  return {
    begin(exchange, transaction) {
      const size = put(exchange, transaction, transactionLifetime)
      makeRoom(exchange, { state: transaction.state, needed: size + measureSession(exchange) })
    },
    find(exchange, state) {
      const sealed = readCookies(exchange, name)[prefix + state]
      const found = sealed === undefined ? undefined : read(sealed)
      // The cookie's name is not sealed: another transaction's value under this name is no match
      return found?.state === state ? found : undefined
    },
    isTooOld(exchange, state) {
      const sealed = readCookies(exchange, name)[prefix + state]
      const found = sealed === undefined ? undefined : open(sealed)
      return found?.state === state && !isAlive(found)
    },
    finish(exchange, { state, returnTo, startedAt, isFormPost }, sessionSize) {
      const trace = { finished: true, state, returnTo, startedAt, isFormPost } as const
      const size = put(exchange, trace, traceLifetime)
      makeRoom(exchange, { state, needed: size + sessionSize })
    },
    drop(exchange, state) {
      clearCookie(exchange, attributes, prefix + state)
    },
    cookieName: (state) => prefix + state,
  }
}
