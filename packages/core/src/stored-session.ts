/**
 * The app's own session as express-session and `@fastify/session` make it: an object on the request, in a
 * store that calls back.
 *
 * @module
 */

import type { FrameworkSession, SessionMembers } from './exchange.ts'

/** A request as their middleware leaves it. */
export interface SessionOwner {
  readonly session?: unknown
  readonly sessionStore?: unknown
}

type Done = (error?: unknown, value?: unknown) => void

interface StoredSession {
  /** As express-session has it. */
  readonly id?: unknown
  /** As `@fastify/session` has it. */
  readonly sessionId?: unknown
  regenerate(done: Done): unknown
  save(done: Done): unknown
  [key: string]: unknown
}

/** The session of a request; `null` where it was destroyed, `undefined` where there never was one. */
export function readStoredSession(owner: SessionOwner): FrameworkSession | null | undefined {
  const { session, sessionStore } = owner
  if (!isStoredSession(session)) return session || !sessionStore ? undefined : null
  return {
    get: (key) => session[key],
    set(key, value) {
      if (value === undefined) delete session[key]
      else session[key] = value
    },
    members: () => readMembers(session),
    async regenerate(members) {
      await call((done) => session.regenerate(done))
      // It is another object now
      Object.assign(owner.session as object, members)
    },
    save: () => call((done) => (owner.session as StoredSession).save(done)),
    async fetch() {
      const store = sessionStore as { get(id: unknown, done: Done): unknown }
      const found = await call((done) => store.get(session.id ?? session.sessionId, done))
      return typeof found === 'object' && found !== null ? readMembers(found) : undefined
    },
  }
}

function isStoredSession(session: unknown): session is StoredSession {
  if (typeof session !== 'object' || session === null) return false
  if (!('regenerate' in session && 'save' in session)) return false
  return typeof session.regenerate === 'function' && typeof session.save === 'function'
}

/**
 * Without the attributes of the cookie, and without what has a symbol for a name: the new session has these
 * of its own, and `@fastify/session` keeps the identifier so.
 */
function readMembers(session: object): SessionMembers {
  return Object.fromEntries(Object.entries(session).filter(([name]) => name !== 'cookie'))
}

function call(act: (done: Done) => unknown): Promise<unknown> & Promise<void> {
  return new Promise<never>((resolve, reject) => {
    act((error, value) => (error ? reject(error) : resolve(value as never)))
  })
}
