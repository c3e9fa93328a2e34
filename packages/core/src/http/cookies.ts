/**
 * Cookies of ours: names with the right prefix, chunks that browsers accept, and a budget, because a
 * browser drops a cookie that is too large without a word.
 *
 * @module
 */

import { parseCookie, stringifySetCookie } from 'cookie'
import { SessionError } from '../errors.ts'
import type { Exchange } from '../exchange.ts'

/** The attributes that all cookies of a Relying Party share. */
export interface CookieAttributes {
  readonly secure: boolean
  readonly sameSite: 'lax' | 'none'
  readonly path: string
  readonly domain: string | undefined
}

/** Cookies by name. */
export type Cookies = Readonly<Record<string, string | undefined>>

/** What a browser keeps of one cookie: name, value and attributes. @see RFC 6265, 6.1 */
const maxCookie = 4096

/** All cookies of ours together: a common proxy's limit for one header line. */
export const maxCookies = 8192

/** The part of it that a session may take; the rest is for logins in flight. */
export const maxSession = 6144

const none: Cookies = Object.freeze({})

/** The request's cookies, undecoded; none unless one of ours can be among them. */
export function readCookies(exchange: Exchange, name: string): Cookies {
  const header = exchange.header('cookie')
  // The anonymous visitor's request costs this one look
  if (header === undefined || !header.includes(name)) return none
  return parseCookie(header, { decode: (value) => value })
}

/** Builds the prefix that makes a browser hold the cookie to its attributes. @see RFC 6265bis, 4.1.3 */
export function buildCookieName(name: string, { secure, path, domain }: CookieAttributes): string {
  if (!secure) return name
  return path === '/' && domain === undefined ? `__Host-${name}` : `__Secure-${name}`
}

/**
 * Makes sure that cookies can still be set.
 *
 * @throws SessionError `ERR_RESPONSE_STARTED`
 */
export function checkStarted(exchange: Exchange): void {
  if (!exchange.isStarted()) return
  const message =
    'a cookie has to be set before the response starts: call this before anything is written'
  throw new SessionError('ERR_RESPONSE_STARTED', message)
}

/**
 * Sets a cookie for `maxAge` seconds.
 *
 * @throws SessionError `ERR_RESPONSE_STARTED`
 */
export function setCookie(
  exchange: Exchange,
  attributes: CookieAttributes,
  { name, value, maxAge }: { name: string; value: string; maxAge: number },
): void {
  checkStarted(exchange)
  exchange.setCookie(serialize(attributes, { name, value, maxAge }))
}

/**
 * Takes a cookie from the browser.
 *
 * @throws SessionError `ERR_RESPONSE_STARTED`
 */
export function clearCookie(exchange: Exchange, attributes: CookieAttributes, name: string): void {
  checkStarted(exchange)
  exchange.setCookie(serialize(attributes, { name, value: '', maxAge: 0 }))
}

/** Joins a value that may have been split into chunks. */
export function readChunks(cookies: Cookies, name: string): string | undefined {
  const whole = cookies[name]
  if (whole !== undefined) return whole
  let value: string | undefined
  for (let index = 0; ; index++) {
    const chunk = cookies[`${name}.${index}`]
    if (chunk === undefined) return value
    value = (value ?? '') + chunk
  }
}

/** A value that may take several cookies. */
export interface ChunkedCookie {
  readonly name: string
  readonly value: string
  readonly maxAge: number
  /** The cookies that this response has set for it so far; they are noted here. */
  readonly written: Set<string>
}

/**
 * Sets a value as one cookie or as chunks `name.0`, `name.1` …, and clears what an earlier, longer or
 * shorter value has left.
 *
 * @throws SessionError `ERR_COOKIE_TOO_LARGE`
 */
export function setChunks(
  exchange: Exchange,
  attributes: CookieAttributes,
  { name, value, maxAge, written }: ChunkedCookie,
): void {
  if (value.length > maxSession) {
    throw new SessionError(
      'ERR_COOKIE_TOO_LARGE',
      `the session would take ${value.length} bytes of cookies, and ${maxSession} is the limit: ` +
        'ask for fewer scopes or claims, or keep fewer tokens ("session.keep")',
    )
  }
  const room = maxCookie - serialize(attributes, { name: `${name}.0`, value: '', maxAge }).length
  const names = new Set<string>()
  const put = (cookieName: string, part: string) => {
    names.add(cookieName)
    setCookie(exchange, attributes, { name: cookieName, value: part, maxAge })
  }
  if (value.length <= room) put(name, value)
  else {
    for (let index = 0; index * room < value.length; index++) {
      put(`${name}.${index}`, value.slice(index * room, (index + 1) * room))
    }
  }
  clearChunks(exchange, attributes, { name, written, except: names })
  for (const put of names) written.add(put)
}

/** Clears a value and all chunks of it that the browser sent, or was sent in this response. */
export function clearChunks(
  exchange: Exchange,
  attributes: CookieAttributes,
  {
    name,
    written,
    except = new Set(),
  }: Pick<ChunkedCookie, 'name' | 'written'> & { readonly except?: ReadonlySet<string> },
): void {
  const sent = Object.keys(readCookies(exchange, name)).filter((other) => isChunkOf(other, name))
  for (const old of new Set([...sent, ...written])) {
    if (!except.has(old)) clearCookie(exchange, attributes, old)
  }
}

/** Whether a cookie is the value `name` or a chunk of it. */
export function isChunkOf(cookieName: string, name: string): boolean {
  return (
    cookieName === name ||
    (cookieName.startsWith(`${name}.`) && /^\d+$/.test(cookieName.slice(name.length + 1)))
  )
}

function serialize(
  { secure, sameSite, path, domain }: CookieAttributes,
  { name, value, maxAge }: { name: string; value: string; maxAge: number },
): string {
  return stringifySetCookie(
    { name, value, maxAge, httpOnly: true, secure, sameSite, path, ...(domain && { domain }) },
    { encode: (part) => part },
  )
}
