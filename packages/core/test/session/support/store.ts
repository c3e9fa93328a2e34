/**
 * A store as express-session's are: text by id, answers by callback and later, an expiry that is read from
 * the cookie. It can be told to misbehave.
 *
 * @module
 */

import { createSealer } from '../../../src/jose/seal.ts'
import { createEndedSessions } from '../../../src/session/ended-sessions.ts'
import { createRecords, type SessionBackend } from '../../../src/session/records.ts'
import { createServerSessions } from '../../../src/session/server-sessions.ts'
import { createMutex } from '../../../src/session/store-lock.ts'
import { secret } from '../../support/options.ts'
import { createClock } from '../../support/session.ts'

type Done = (error?: unknown, value?: unknown) => void
type Method = 'get' | 'set' | 'destroy' | 'touch'

/** A store, and a view behind it. */
export interface TestStore extends Required<SessionBackend> {
  readonly entries: Map<string, string>
  /** `get session:1`, in the order of the calls, without the prefix of all. */
  readonly calls: string[]
  /** Answers in place of the store, or throws; `undefined` leaves it to the store. */
  before: (method: Method, id: string, done: Done) => boolean | undefined
}

/** What every record's name begins with. */
export const prefix = 'test:'

/** Creates an empty store. */
export function createTestStore(clock: { now(): number }): TestStore {
  const entries = new Map<string, string>()
  const calls: string[] = []
  const read = (id: string) => {
    const session = JSON.parse(entries.get(id) ?? 'null')
    const isOver = session && Date.parse(session.cookie.expires) <= clock.now() * 1000
    return isOver ? null : session
  }
  const answer = (method: Method, id: string, done: Done = () => {}, act: () => unknown) => {
    calls.push(`${method} ${id.slice(prefix.length)}`)
    if (store.before(method, id, done)) return
    const value = act()
    setImmediate(() => done(null, value))
  }
  const store: TestStore = {
    entries,
    calls,
    before: () => undefined,
    get: (id, done) => answer('get', id, done, () => read(id)),
    set: (id, session, done) =>
      answer('set', id, done, () => void entries.set(id, JSON.stringify(session))),
    destroy: (id, done) => answer('destroy', id, done, () => void entries.delete(id)),
    touch: (id, { cookie }, done) =>
      answer('touch', id, done, () => {
        const session = read(id)
        if (session) entries.set(id, JSON.stringify({ ...session, cookie }))
      }),
  }
  return store
}

/** Sessions in such a store, with all that belongs to them. */
export function createTestSessions({
  maxSessions = Number.POSITIVE_INFINITY,
  isExclusive = true,
  lifetimes = { idleTimeout: 600, lifetime: 3600 },
} = {}) {
  const clock = createClock()
  const store = createTestStore(clock)
  const records = createRecords(store, { prefix, timeout: 0.05, clock })
  const ended = createEndedSessions({ records, lifetime: 900, clock })
  const lock = createMutex(undefined)
  const sealer = createSealer([secret], 'records')
  const events: { readonly type: string }[] = []
  const emit = (event: { readonly type: string }) => void events.push(event)
  const sessions = createServerSessions({
    records,
    ended,
    mutex: (name, act) => lock(name, act, { patience: 1000, seconds: 1 }),
    sealer,
    lifetimes,
    keepsTokens: true,
    maxSessions,
    isExclusive,
    accepts: ({ claims }) => claims.iss === 'https://op.example',
    clock,
    emit,
  })
  /** The ids of sessions that are in the store. */
  const kept = () =>
    [...store.entries.keys()]
      .filter((id) => id.startsWith(`${prefix}session:`))
      .map((id) => id.slice(`${prefix}session:`.length))
  /** The names of all records but the notes. */
  const left = () => [...store.entries.keys()].filter((id) => !id.includes(':ended:'))
  return { clock, left, store, records, ended, sessions, sealer, lifetimes, events, emit, kept }
}
