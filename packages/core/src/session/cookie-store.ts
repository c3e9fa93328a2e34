/**
 * Sessions without a server: the whole session in a sealed cookie.
 *
 * @module
 */

import type { Clock } from '../base/clock.ts'
import { SessionError } from '../errors.ts'
import type { Emit } from '../events.ts'
import type { Exchange } from '../exchange.ts'
import {
  type CookieAttributes,
  clearChunks,
  readChunks,
  readCookies,
  setChunks,
} from '../http/cookies.ts'
import type { Sealer } from '../jose/seal.ts'
import { isDueToRoll, isExpired, type Lifetimes, secondsLeft } from './lifetime.ts'
import { openOnce } from './open-once.ts'
import type { KeptTokens, Session } from './session.ts'
import type { OpenOptions, SessionHandle, SessionStore } from './store.ts'

/** What a cookie store needs. */
export interface CookieStoreSettings {
  /** The cookie's full name, prefix included. */
  readonly name: string
  readonly attributes: CookieAttributes
  readonly lifetimes: Lifetimes
  readonly sealer: Sealer
  /** Whether a session is one of this app's providers. */
  readonly accepts: (session: Session) => boolean
  readonly clock: Clock
  readonly emit: Emit
}

/** A session that is all in the request: there is nothing to wait for. */
export interface CookieSession extends SessionHandle {
  write(session: Session): number
  writeTokens(tokens: KeptTokens | undefined): void
  clear(): void
}

/** A store of them. */
export interface CookieStore extends SessionStore {
  open(exchange: Exchange, options?: OpenOptions): CookieSession
}

/** Creates a store that keeps each session in its End-User's browser. */
export function createCookieStore(settings: CookieStoreSettings): CookieStore {
  return {
    open: openOnce((exchange, { isUse = true }) => createHandle(settings, exchange, isUse)),
    inspect(exchange) {
      const sealed = readChunks(readCookies(exchange, settings.name), settings.name)
      if (sealed === undefined) return 'none'
      return readSession(settings, sealed) ? 'readable' : 'unreadable'
    },
  }
}

function createHandle(
  settings: CookieStoreSettings,
  exchange: Exchange,
  isUse: boolean,
): CookieSession {
  const { name, attributes, lifetimes, clock } = settings
  const written = new Set<string>()
  let isRead = false
  let session: Session | undefined

  function write(next: Session): number {
    const value = settings.sealer.seal(next)
    const maxAge = secondsLeft(next, lifetimes)
    setChunks(exchange, attributes, { name, value, maxAge, written })
    isRead = true
    session = next
    return value.length + written.size * (name.length + 2)
  }

  function clear(): void {
    clearChunks(exchange, attributes, { name, written })
    isRead = true
    session = undefined
  }

  /** Using a session keeps it alive. A response that is under way already cannot carry the news. */
  function roll(used: Session, now: number): void {
    try {
      write({ ...used, seenAt: now })
    } catch (error) {
      if (!(error instanceof SessionError)) throw error
    }
  }

  function open(): void {
    isRead = true
    const sealed = readChunks(readCookies(exchange, name), name)
    if (sealed === undefined) return
    session = readSession(settings, sealed)
    if (!session) {
      settings.emit({ type: 'session.unreadable', cookie: name })
      return
    }
    const now = clock.now()
    if (isExpired(session, lifetimes, now)) session = undefined
    else if (isUse && isDueToRoll(session, lifetimes, now)) roll(session, now)
  }

  function read(): Session | undefined {
    if (!isRead) open()
    return session
  }

  return {
    // It is all in the request
    load: () => undefined,
    read,
    write,
    writeTokens(tokens) {
      const current = read()
      if (current) write({ ...current, tokens })
    },
    clear,
  }
}

function readSession(
  { sealer, accepts }: CookieStoreSettings,
  sealed: string,
): Session | undefined {
  // Only we can have sealed it for this purpose, so its shape is ours
  const session = sealer.open(sealed) as Session | undefined
  return session && accepts(session) ? session : undefined
}
