/**
 * Notices a browser that signs in again and again because it never keeps the session, and stops it at a
 * page that says why, instead of sending it to the provider for ever.
 *
 * The count is in a plain cookie: it must survive a changed secret, and whoever forges it stops nobody
 * but himself.
 *
 * @module
 */

import type { Clock } from '../base/clock.ts'
import { TransactionError } from '../errors.ts'
import type { Exchange } from '../exchange.ts'
import { type CookieAttributes, clearCookie, readCookies, setCookie } from '../http/cookies.ts'
import type { SessionStore } from '../session/store.ts'

/** Counts the logins of one browser. */
export interface LoopBreaker {
  /**
   * Checks before a login is started.
   *
   * @throws TransactionError `ERR_LOGIN_LOOP`
   */
  check(exchange: Exchange): void
  /** Counts a login that has succeeded; one that ends in a POST from another site can be counted too. */
  count(exchange: Exchange, isFormPost: boolean): void
  /** Forgets, once a session was readable enough to be ended. */
  clear(exchange: Exchange): void
}

const maxLogins = 3
const period = 60

/** Creates the loop breaker of one Relying Party. */
export function createLoopBreaker({
  name,
  attributes,
  inspect,
  clock,
}: {
  /** The session cookie's full name. */
  name: string
  attributes: CookieAttributes
  inspect: SessionStore['inspect']
  clock: Clock
}): LoopBreaker {
  const cookieName = `${name}.logins`

  function read(exchange: Exchange): { readonly count: number; readonly since: number } {
    const value = readCookies(exchange, name)[cookieName] ?? ''
    const [count = 0, since = 0] = /^\d+\.\d+$/.test(value) ? value.split('.').map(Number) : []
    const age = clock.now() - since
    return age >= 0 && age < period ? { count, since } : { count: 0, since: clock.now() }
  }

  return {
    check(exchange) {
      if (read(exchange).count < maxLogins) return
      const found = inspect(exchange)
      if (found === 'readable') return
      clearCookie(exchange, attributes, cookieName)
      throw new TransactionError('ERR_LOGIN_LOOP', describe(found, name, attributes), {
        reason: 'loop',
      })
    },
    count(exchange, isFormPost) {
      const { count, since } = read(exchange)
      const value = `${count + 1}.${since}`
      const crossSite = { ...attributes, sameSite: 'none', secure: true } as const
      const cookie = { name: cookieName, value, maxAge: period }
      setCookie(exchange, isFormPost ? crossSite : attributes, cookie)
    },
    clear(exchange) {
      if (readCookies(exchange, name)[cookieName] !== undefined) {
        clearCookie(exchange, attributes, cookieName)
      }
    },
  }
}

function describe(
  found: 'none' | 'unreadable',
  name: string,
  { secure }: CookieAttributes,
): string {
  const seen = `${maxLogins} logins within a minute left no readable session:`
  if (found === 'unreadable') {
    return (
      `${seen} the cookie "${name}" cannot be opened. ` +
      'Is "session.secret" the same in every process, and the same after a restart?'
    )
  }
  const dropped = secure ? ', or "baseUrl" is https but the site was opened over http' : ''
  return (
    `${seen} the browser does not send the cookie "${name}". It was dropped because it is too ` +
    `large, because cookies are blocked${dropped}`
  )
}
