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
import { createEndedSessions, type EndedSessions } from './session/ended-sessions.ts'
import { createFrameworkStore } from './session/framework-store.ts'
import { createRecords, type Records, type SessionBackend } from './session/records.ts'
import { createServerSessions, type ServerSessions } from './session/server-sessions.ts'
import { createServerStore } from './session/server-store.ts'
import type { SessionStore } from './session/store.ts'
import { createMutex, findStoreLock } from './session/store-lock.ts'

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
  readonly registrations: Pick<Registrations, 'accepts'>
  readonly clock: Clock
  readonly emit: Emit
}

/** Sessions opened lately that need not be opened again: some megabytes at the most. */
const rememberedSessions = 500
/** Seconds for which a login may be under way when its session at the provider ends. */
const longestLogin = 900
/** How long processes wait for one another. */
const limits = { patience: 15_000, seconds: 30 }

/** Creates the sessions of an app. No request is made. */
export function createSessions(config: Config, parts: SessionParts): Sessions {
  const unchecked = createUnchecked(config, parts)
  const { endedSessions: ended } = unchecked
  let { store } = unchecked
  // Those in a store are taken away themselves
  if (!unchecked.serverSessions && ended) {
    store = createCheckedStore(
      store,
      async (found) => ((await ended.includes(found)) ? 'ended' : 'good'),
      parts.emit,
    )
  }
  const { resolve } = config
  if (resolve) {
    store = createCheckedStore(
      store,
      async ({ provider }, exchange) => {
        const tenant = await resolve(exchange)
        // RFC 9700, 2.1: somebody whom one tenant's provider has signed in is nobody to another's
        return tenant === undefined || tenant === provider ? 'good' : 'hidden'
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
  if (typeof session.store === 'object') {
    const prefix = buildPrefix(config)
    const records = createRecords(session.store, { prefix, timeout: session.storeTimeout, clock })
    const ended = createEndedSessions({ records, lifetime: longestLogin, clock })
    const lock = createMutex(session.lock ?? findStoreLock(session.store))
    const serverSessions = createServerSessions({
      ...shared,
      records,
      ended,
      mutex: (of, act) => lock(`${prefix}lock:${of}`, act, limits),
      sealer: seal('tokens'),
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
  return {
    store:
      session.store === 'framework'
        ? createFrameworkStore({ ...shared, key: session.cookie.name })
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
