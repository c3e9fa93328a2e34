/**
 * Sessions on the server: the browser has a sealed pointer, and the rest is in a store.
 *
 * A session is put there once, at login, and never again: nothing that runs late can bring back what a
 * logout has ended. Tokens, which change, are a record of their own, worth nothing without the session.
 *
 * @module
 */

import type { Clock } from '../base/clock.ts'
import { SessionError } from '../errors.ts'
import { buildEventError, type Emit } from '../events.ts'
import type { Exchange } from '../exchange.ts'
import {
  type CookieAttributes,
  checkStarted,
  clearChunks,
  clearCookie,
  readCookies,
  setCookie,
} from '../http/cookies.ts'
import type { Sealer } from '../jose/seal.ts'
import { endedMeanwhile } from './ended-sessions.ts'
import { isDueToRoll, isExpired, type Lifetimes, secondsLeft } from './lifetime.ts'
import { openOnce } from './open-once.ts'
import type { ServerSessions } from './server-sessions.ts'
import type { Session } from './session.ts'
import type { SessionHandle, SessionStore, SharedSession } from './store.ts'

/** What a server store needs. */
export interface ServerStoreSettings {
  /** The cookie's full name, prefix included. */
  readonly name: string
  readonly attributes: CookieAttributes
  readonly lifetimes: Lifetimes
  /** Seals the pointer. */
  readonly sealer: Sealer
  readonly sessions: ServerSessions
  readonly clock: Clock
  readonly emit: Emit
}

/** What the browser has. It says when the session was used last, so that a use need not write to the store. */
interface Pointer {
  readonly id: string
  readonly seenAt: number
}

/** Creates a store that keeps sessions on the server. */
export function createServerStore(settings: ServerStoreSettings): SessionStore {
  const open = openOnce((exchange, { isUse = true }) => createHandle(settings, exchange, isUse))
  return {
    open,
    inspect(exchange) {
      if (readCookies(exchange, settings.name)[settings.name] === undefined) return 'none'
      return open(exchange).read() ? 'readable' : 'unreadable'
    },
  }
}

function createHandle(
  settings: ServerStoreSettings,
  exchange: Exchange,
  isUse: boolean,
): SessionHandle {
  const { name, attributes, lifetimes, sealer, sessions, clock, emit } = settings
  let pointer: Pointer | undefined
  let session: Session | undefined
  let failure: SessionError | undefined
  let loading: Promise<void> | undefined
  let isLoaded = false

  function load(): Promise<void> | undefined {
    if (isLoaded || loading !== undefined) return loading
    const sealed = readCookies(exchange, name)[name]
    // Only we can have sealed it for this purpose, so its shape is ours
    pointer = sealed === undefined ? undefined : (sealer.open(sealed) as Pointer | undefined)
    if (sealed !== undefined && !pointer) emit({ type: 'session.unreadable', cookie: name })
    const now = clock.now()
    if (!pointer || now >= pointer.seenAt + lifetimes.idleTimeout) isLoaded = true
    else loading = fetch(pointer, now)
    return loading
  }

  async function fetch({ id, seenAt }: Pointer, now: number): Promise<void> {
    try {
      const found = await sessions.find(id)
      if (found && !isExpired({ ...found, seenAt }, lifetimes, now)) session = { ...found, seenAt }
    } catch (error) {
      failure = toStoreFailure(error)
      emit({ type: 'session.store_failed', error: buildEventError(failure) })
    }
    isLoaded = true
    loading = undefined
  }

  function read(): Session | undefined {
    const now = clock.now()
    if (session && isUse && isDueToRoll(session, lifetimes, now)) roll(session, now)
    return session
  }

  /** Using a session keeps it alive. A response that is under way already cannot carry the news. */
  function roll(used: Session, now: number): void {
    if (exchange.isStarted()) return
    session = { ...used, seenAt: now }
    setPointer(session)
    sessions.touch(session)
  }

  function setPointer(of: Session): number {
    pointer = { id: of.id, seenAt: of.seenAt }
    const value = sealer.seal(pointer)
    setCookie(exchange, attributes, { name, value, maxAge: secondsLeft(of, lifetimes) })
    // What a whole session has left, where sessions have moved from cookies to a store
    clearChunks(exchange, attributes, { name, written: new Set(), except: new Set([name]) })
    return name.length + value.length + 2
  }

  return {
    load,
    read,
    get failure() {
      return failure
    },
    async write(next, since) {
      checkStarted(exchange)
      await load()
      const previous = pointer
      await sessions.begin(next, { previous: previous?.id, since })
      const size = setPointer(next)
      session = next
      failure = undefined
      return size
    },
    async writeTokens(tokens) {
      if (!session) throw endedMeanwhile()
      const { id } = session
      if (!(await sessions.replaceTokens(session, tokens))) {
        session = undefined
        throw endedMeanwhile()
      }
      if (session?.id === id) session = { ...session, tokens }
    },
    async clear() {
      checkStarted(exchange)
      await load()
      if (failure) throw failure
      if (pointer) await sessions.end(pointer.id)
      session = undefined
      pointer = undefined
      if (readCookies(exchange, name)[name] !== undefined) clearCookie(exchange, attributes, name)
    },
    get shared(): SharedSession | undefined {
      const { id, seenAt } = session ?? {}
      if (id === undefined || seenAt === undefined) return undefined
      return {
        async reload() {
          const found = await sessions.find(id)
          session = found && { ...found, seenAt }
          return session
        },
        adopt(tokens) {
          if (session?.id === id) session = { ...session, tokens }
        },
        async end() {
          await sessions.end(id)
          session = undefined
        },
        alone: (act) => sessions.alone(id, act),
      }
    },
  }
}

function toStoreFailure(error: unknown): SessionError {
  if (error instanceof SessionError) return error
  return new SessionError('ERR_SESSION_STORE', 'the session store failed', { cause: error })
}
