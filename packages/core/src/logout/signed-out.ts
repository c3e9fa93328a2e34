/**
 * What keeps somebody who has just signed out from being signed in again at once: where the browser comes
 * back to is guarded, say, and the provider still knows who it is. There, once, a page comes before the
 * login.
 *
 * The cookie is plain: whoever forges it sees the page in place of a redirect, and is signed out anyway.
 *
 * @module
 */

import { createHash } from 'node:crypto'
import type { Exchange, OidcResponse } from '../exchange.ts'
import { type CookieAttributes, clearCookie, readCookies, setCookie } from '../http/cookies.ts'
import { buildPage } from '../http/page.ts'

/** Knows of browsers that have just signed out. */
export interface SignedOut {
  /** Remembers, for a minute, that a browser has signed out and where it comes back to. */
  note(exchange: Exchange, returnTo: string): void
  /** Whether this request is the return of such a browser. It counts once. */
  isReturn(exchange: Exchange, target: string): boolean
  /** Forgets, since somebody wants to sign in. */
  forget(exchange: Exchange): void
}

/** Seconds that the provider may take to send the browser back: it may ask first. */
const lifetime = 60

/** Creates what knows of them. */
export function createSignedOut({
  name,
  attributes,
}: {
  /** The session cookie's full name. */
  name: string
  attributes: CookieAttributes
}): SignedOut {
  const cookieName = `${name}.out`

  function forget(exchange: Exchange): void {
    if (readCookies(exchange, name)[cookieName] === undefined) return
    clearCookie(exchange, attributes, cookieName)
  }

  return {
    note(exchange, returnTo) {
      // Somebody else has answered already: this is no way back
      if (exchange.isStarted()) return
      const cookie = { name: cookieName, value: digest(returnTo), maxAge: lifetime }
      setCookie(exchange, attributes, cookie)
    },
    isReturn(exchange, target) {
      if (readCookies(exchange, name)[cookieName] !== digest(target)) return false
      forget(exchange)
      return true
    },
    forget,
  }
}

/** Of the path alone: the provider adds `state` to the query. Short, whatever the path is. */
function digest(target: string): string {
  const [path = ''] = target.split(/[?#]/, 1)
  return createHash('sha256').update(path).digest('base64url').slice(0, 16)
}

/** The page. Its button opens the same place again, which then asks to sign in as it always does. */
export function buildSignedOut(target: string): OidcResponse {
  return buildPage({
    status: 200,
    title: 'You are signed out',
    text: 'To go on from here, you have to sign in again.',
    actions: [{ label: 'Sign in again', href: target }],
  })
}
