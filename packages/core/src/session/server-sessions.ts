/**
 * The sessions in a store: each under its id, with its tokens beside it and found by `sub` and `sid`.
 *
 * @module
 */

import type { Clock } from '../base/clock.ts'
import { SessionError } from '../errors.ts'
import { buildEventError, type Emit } from '../events.ts'
import type { Sealer } from '../jose/seal.ts'
import type { EndedSessions, Whose } from './ended-sessions.ts'
import { endOf, type Lifetimes } from './lifetime.ts'
import type { Records } from './records.ts'
import type { KeptTokens, Session } from './session.ts'
import { createSessionIndex, type Exclusion, type IndexEntry } from './session-index.ts'

/** A session as it is stored: when it was used last is known to its browser. */
export type StoredSession = Omit<Session, 'seenAt'>

/** The sessions of one app, on the server. Every method throws SessionError `ERR_SESSION_STORE`. */
export interface ServerSessions {
  find(id: string): Promise<StoredSession | undefined>
  /** @throws SessionError `ERR_SESSION_ENDED` when it ended at the provider meanwhile */
  begin(session: Session): Promise<void>
  /** Makes a session live longer, at most once a minute. Nobody waits for it. */
  touch(session: Session): void
  /** Whether there was a session to keep the tokens for. */
  replaceTokens(session: Session, tokens: KeptTokens | undefined): Promise<boolean>
  /** Ends one, and returns what it was. */
  end(id: string): Promise<StoredSession | undefined>
  /** The same, where nobody can be told that it failed. */
  endQuietly(id: string): Promise<void>
  /** Ends all that an End-User has, or those of one session at the provider, and returns them. */
  endAll(whose: Whose): Promise<readonly StoredSession[]>
  /** Those that an End-User has, oldest first. */
  list(iss: string, sub: string): Promise<readonly StoredSession[]>
  /** Acts while nobody else does so for this session. */
  alone<Value>(id: string, act: () => Promise<Value>): Promise<Value>
}

/** What keeping sessions takes. */
export interface ServerSessionsSettings {
  readonly records: Records
  readonly ended: EndedSessions
  readonly mutex: Exclusion
  /** Seals tokens: who can read the store cannot use them. */
  readonly sealer: Sealer
  readonly lifetimes: Lifetimes
  readonly keepsTokens: boolean
  readonly maxSessions: number
  /** Whether a session is one of this app's providers. */
  readonly accepts: (session: StoredSession) => boolean
  readonly clock: Clock
  readonly emit: Emit
}

/** How many sessions are ended at once. */
const batch = 16
/** Sessions of which it is remembered that they were made to live longer a moment ago. */
const maxTouched = 5000

/** Creates the keeper of sessions. */
export function createServerSessions(settings: ServerSessionsSettings): ServerSessions {
  const { records, ended, mutex, sealer, lifetimes, clock, emit } = settings
  const touched = new Map<string, number>()
  const index = createSessionIndex({
    records,
    lifetime: lifetimes.lifetime,
    mutex,
    isAlive: async (id) => (await readSession(id)) !== undefined,
    clock,
  })

  /** What cannot be made to live longer lives for as long as it may. */
  function expiryOf(session: Session): number {
    const { createdAt } = session
    return records.canTouch ? endOf(session, lifetimes) : createdAt + lifetimes.lifetime
  }

  async function readSession(id: string): Promise<StoredSession | undefined> {
    const found = await records.get(`session:${id}`)
    // A store that answers with another one's record must not sign anybody in
    if (!isSession(found) || found.id !== id || !settings.accepts(found)) return undefined
    return found
  }

  async function readTokens(id: string): Promise<KeptTokens | undefined> {
    const found = await records.get(`tokens:${id}`)
    const sealed = isObject(found) ? found['sealed'] : undefined
    if (typeof sealed !== 'string') return undefined
    const tokens = sealer.open(sealed)
    // The session's id is sealed with them: the tokens of one are not another's
    if (!isObject(tokens) || tokens['session'] !== id) return undefined
    const { session: _, ...rest } = tokens
    return rest
  }

  async function find(id: string): Promise<StoredSession | undefined> {
    const [session, tokens] = await Promise.all([
      readSession(id),
      settings.keepsTokens ? readTokens(id) : undefined,
    ])
    return session && tokens ? { ...session, tokens } : session
  }

  async function putTokens(session: Session, tokens: KeptTokens): Promise<void> {
    const sealed = sealer.seal({ ...tokens, session: session.id })
    await records.put(`tokens:${session.id}`, { sealed }, expiryOf(session))
  }

  /** The session first: without it, the rest is worth nothing. */
  async function drop(id: string): Promise<StoredSession | undefined> {
    const session = await find(id)
    await records.drop(`session:${id}`)
    await records.drop(`tokens:${id}`)
    return session
  }

  /** An entry of a session that is over does no harm. */
  async function forget(
    { claims: { iss, sub } }: StoredSession,
    ids: readonly string[],
  ): Promise<void> {
    await quietly(() => index.remove(iss, sub, ids))
  }

  async function quietly(act: () => Promise<unknown>): Promise<void> {
    try {
      await act()
    } catch (error) {
      emit({ type: 'session.store_failed', error: buildEventError(error) })
    }
  }

  async function end(id: string): Promise<StoredSession | undefined> {
    const session = await drop(id)
    if (session) await forget(session, [id])
    return session
  }

  async function endMany(entries: readonly IndexEntry[]): Promise<readonly StoredSession[]> {
    const gone: StoredSession[] = []
    for (let start = 0; start < entries.length; start += batch) {
      const some = entries.slice(start, start + batch)
      const dropped = await Promise.all(some.map(({ id }) => drop(id)))
      gone.push(...dropped.filter((session) => session !== undefined))
    }
    const ids = entries.map(({ id }) => id)
    if (gone[0]) await forget(gone[0], ids)
    return gone
  }

  return {
    find,
    async begin(session) {
      const { tokens, seenAt: _, ...stored } = session
      if (tokens) await putTokens(session, tokens)
      const entries = await index.add(session)
      await records.put(`session:${session.id}`, stored, expiryOf(session))
      // A logout may have come between: it has left a note, and then looked for sessions
      const { claims } = session
      // Of one that began in the same second the provider will say so again, or it was begun after it
      if (await ended.includes({ claims, createdAt: claims.iat + 1 })) {
        await end(session.id)
        throw new SessionError('ERR_SESSION_ENDED', 'the session at the provider ended meanwhile')
      }
      const tooMany = entries.slice(0, Math.max(entries.length - settings.maxSessions, 0))
      if (tooMany.length > 0) await quietly(() => endMany(tooMany))
    },
    touch(session) {
      const now = clock.now()
      if ((touched.get(session.id) ?? 0) > now - 60) return
      touched.delete(session.id)
      const [oldest] = touched.size >= maxTouched ? touched.keys() : []
      if (oldest !== undefined) touched.delete(oldest)
      touched.set(session.id, now)
      const expiry = endOf(session, lifetimes)
      void quietly(async () => {
        await records.touch(`session:${session.id}`, expiry)
        if (settings.keepsTokens) await records.touch(`tokens:${session.id}`, expiry)
      })
    },
    async replaceTokens(session, tokens) {
      if (tokens) await putTokens(session, tokens)
      else await records.drop(`tokens:${session.id}`)
      if (await readSession(session.id)) return true
      await quietly(() => records.drop(`tokens:${session.id}`))
      return false
    },
    end,
    endQuietly: (id) => quietly(() => end(id)),
    async endAll(whose) {
      await ended.note(whose)
      return await endMany(await index.find(whose))
    },
    async list(iss, sub) {
      const entries = await index.find({ iss, sub })
      const sessions = await Promise.all(entries.map(({ id }) => readSession(id)))
      return sessions.filter((session) => session !== undefined)
    },
    alone: (id, act) => mutex(`refresh:${id}`, act),
  }
}

function isSession(value: unknown): value is StoredSession {
  if (!isObject(value) || !isObject(value['claims'])) return false
  const { id, createdAt, claims } = value
  return (
    typeof id === 'string' &&
    typeof createdAt === 'number' &&
    typeof claims['iss'] === 'string' &&
    typeof claims['sub'] === 'string'
  )
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
