/**
 * A store as express-session's are: text by id, answers by callback and later, an expiry that is read from
 * the cookie. It can be told to misbehave. What waits for it waits by a time that passes only here, so that
 * no machine is too slow for it.
 *
 * @module
 */

import { onTestFinished, vi } from 'vitest'
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
  /**
   * Answers in place of the store, now or never, or throws; `undefined` leaves it to the store. `true` without
   * an answer takes the time limit of a call, which passes at once.
   */
  before: (method: Method, id: string, done: Done) => boolean | undefined
}

/** What every record's name begins with. */
export const prefix = 'test:'

/** Milliseconds to wait for what nobody awaits: more than any machine takes. */
export const patience = 20_000

/** Seconds that a call may take. */
const timeLimit = 20

/** Creates an empty store. */
export function createTestStore(clock: { now(): number }): TestStore {
  const entries = new Map<string, string>()
  const calls: string[] = []
  const read = (id: string) => {
    const session = JSON.parse(entries.get(id) ?? 'null')
    const isOver = session && Date.parse(session.cookie.expires) <= clock.now() * 1000
    return isOver ? null : session
  }
  let answering = 0
  let isTimeToPass = false
  /** Time passes when there is nothing else left to happen, once for all that wait for it. */
  const passTime = () => {
    if (answering > 0) {
      setImmediate(passTime)
      return
    }
    isTimeToPass = false
    vi.advanceTimersByTime(timeLimit * 1000)
  }
  const answer = (method: Method, id: string, done: Done = () => {}, act: () => unknown) => {
    calls.push(`${method} ${id.slice(prefix.length)}`)
    let isAnswered = false
    const answerNow: Done = (...given) => {
      isAnswered = true
      done(...given)
    }
    if (store.before(method, id, answerNow)) {
      if (!isAnswered && !isTimeToPass) {
        isTimeToPass = true
        setImmediate(passTime)
      }
      return
    }
    const value = act()
    answering++
    setImmediate(() => {
      answering--
      done(null, value)
    })
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
  if (!vi.isFakeTimers()) {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
  }
  const clock = createClock()
  const store = createTestStore(clock)
  const records = createRecords(store, { prefix, timeout: timeLimit, clock })
  const ended = createEndedSessions({ records, lifetime: 900, clock })
  const lock = createMutex(undefined)
  const sealer = createSealer([secret], 'records')
  const events: { readonly type: string }[] = []
  const emit = (event: { readonly type: string }) => void events.push(event)
  const sessions = createServerSessions({
    records,
    ended,
    mutex: (name, act) => lock(name, act, { patience: 1_000_000, seconds: 1000 }),
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
