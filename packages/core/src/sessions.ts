/**
 * The sessions of an app, wherever it keeps them.
 *
 * @module
 */

import { createHash } from 'node:crypto'
import type { Clock } from './base/clock.ts'
import type { Config } from './config.ts'
import type { Emit } from './events.ts'
import type { CookieAttributes } from './http/cookies.ts'
import type { Sealer } from './jose/seal.ts'
import type { Registrations } from './registrations.ts'
import { createCheckedStore } from './session/checked-store.ts'
import { createCookieStore } from './session/cookie-store.ts'
import {
  createEndedSessions,
  type EndedSessions,
  endedMeanwhile,
} from './session/ended-sessions.ts'
import { findStoreLock } from './session/find-store-lock.ts'
import { createFrameworkStore } from './session/framework-store.ts'
import { createRecords, type Records, type SessionBackend } from './session/records.ts'
import { createServerSessions, type ServerSessions } from './session/server-sessions.ts'
import { createServerStore } from './session/server-store.ts'
import type { SessionStore } from './session/store.ts'
import { createMutex, type MutexLimits } from './session/store-lock.ts'

/** The sessions of an app. */
export interface Sessions {
  readonly store: SessionStore
  /** Those in a store, where they are. */
  readonly serverSessions: ServerSessions | undefined
  /** Those that have ended before their time, where that is noted. */
  readonly endedSessions: EndedSessions | undefined
  /** What is remembered on the server, where something is. */
  readonly records: Records | undefined
}

/** What making them takes besides the configuration. */
export interface SessionParts {
  /** The session cookie's full name. */
  readonly name: string
  readonly attributes: CookieAttributes
  readonly seal: (purpose: string, remembered?: number) => Sealer
  readonly registrations: Pick<Registrations, 'accepts' | 'admits'>
  readonly clock: Clock
  readonly emit: Emit
}

/** Sessions opened lately that need not be opened again: some megabytes at the most. */
const rememberedSessions = 500
/** Seconds for which a login may be under way when its session at the provider ends. */
const longestLogin = 900

/** Creates the sessions of an app. No request is made. */
export function createSessions(config: Config, parts: SessionParts): Sessions {
  const unchecked = createUnchecked(config, parts)
  const { endedSessions: ended } = unchecked
  let { store } = unchecked
  // Those in a store are taken away themselves
  if (!unchecked.serverSessions && ended) {
    store = createCheckedStore(
      store,
      {
        check: async (found) => ((await ended.includes(found)) ? 'ended' : 'good'),
        async begin(session, since) {
          if (await ended.includes(session, since)) throw endedMeanwhile()
          await ended.expect(session)
        },
        end: ended.noteOne,
      },
      parts.emit,
    )
  }
  if (config.resolve || config.lookup) {
    const { admits } = parts.registrations
    store = createCheckedStore(
      store,
      {
        // RFC 9700, 2.1: somebody whom one tenant's provider has signed in is nobody to another's
        check: async (session, exchange) => ((await admits(session, exchange)) ? 'good' : 'hidden'),
      },
      parts.emit,
    )
  }
  return { ...unchecked, store }
}

function createUnchecked(config: Config, parts: SessionParts): Sessions {
  const { session, logout } = config
  const { name, attributes, seal, registrations, clock, emit } = parts
  const { lifetimes } = session
  const accepts = registrations.accepts
  const shared = { lifetimes, accepts, clock, emit }
  const { refreshing, listing } = buildLimits(config)
  if (typeof session.store === 'object') {
    const prefix = buildPrefix(config)
    const records = createRecords(session.store, { prefix, timeout: session.storeTimeout, clock })
    const tryLock = session.lock ?? findStoreLock(session.store)
    const isExclusive = tryLock !== undefined
    const lifetime = isExclusive ? longestLogin : lifetimes.lifetime
    const ended = createEndedSessions({ records, lifetime, clock })
    const lock = createMutex(tryLock)
    const serverSessions = createServerSessions({
      ...shared,
      records,
      ended,
      mutex: (of, act) =>
        lock(`${prefix}lock:${of}`, act, of.startsWith('refresh:') ? refreshing : listing),
      isExclusive,
      sealer: seal('record', rememberedSessions),
      keepsTokens: session.keep.size > 0,
      maxSessions: session.maxSessions,
    })
    const sealer = seal('pointer', rememberedSessions)
    const store = createServerStore({
      name,
      attributes,
      lifetimes,
      sealer,
      sessions: serverSessions,
      clock,
      emit,
    })
    return { store, serverSessions, endedSessions: ended, records }
  }
  const records = logout.store && openRecords(logout.store, config, clock)
  const lock = createMutex(session.lock ?? (logout.store && findStoreLock(logout.store)))
  const prefix = buildPrefix(config)
  return {
    store:
      session.store === 'framework'
        ? createFrameworkStore({
            ...shared,
            key: session.cookie.name,
            sealer: seal('framework', rememberedSessions),
            timeout: session.storeTimeout,
            mutex: (of, act) => lock(`${prefix}lock:${of}`, act, refreshing),
          })
        : createCookieStore({
            ...shared,
            name,
            attributes,
            sealer: seal('session', rememberedSessions),
          }),
    serverSessions: undefined,
    endedSessions: records && createEndedSessions({ records, lifetime: lifetimes.lifetime, clock }),
    records,
  }
}

/**
 * How long a process may hold a lock, and how long others wait: a little longer, since it may have died. A
 * refresh asks the provider for tokens and maybe for its keys; a list takes two calls of the store.
 */
function buildLimits({ providers, session: { storeTimeout } }: Config) {
  const timeout = Math.max(5, ...providers.map(({ http }) => http.timeout))
  const last = (seconds: number): MutexLimits => ({ seconds, patience: (seconds + 2) * 1000 })
  return {
    refreshing: last(Math.ceil(2 * timeout + 4 * storeTimeout + 2)),
    listing: last(Math.ceil(3 * storeTimeout + 2)),
  }
}

function openRecords(backend: SessionBackend, config: Config, clock: Clock): Records {
  const { storeTimeout: timeout } = config.session
  return createRecords(backend, { prefix: buildPrefix(config), timeout, clock })
}

/** Several apps may share one store, and the replicas of one app do. */
function buildPrefix({ hasSeveral, providers, baseUrl }: Config): string {
  const [only] = hasSeveral ? [] : providers
  const own = JSON.stringify(only ? [only.issuer, only.clientId] : [baseUrl.origin, baseUrl.path])
  return `oidc:${createHash('sha256').update(own).digest('hex').slice(0, 8)}:`
}
