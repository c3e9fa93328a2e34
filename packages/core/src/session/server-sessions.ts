/**
 * The sessions in a store: each under its id, with its tokens beside it and found by `sub` and `sid`.
 *
 * @module
 */

import type { Clock } from '../base/clock.ts'
import { keepNewest } from '../base/newest.ts'
import { isObject } from '../base/objects.ts'
import { buildEventError, type Emit } from '../events.ts'
import type { Sealer } from '../jose/seal.ts'
import { inBatches } from './batches.ts'
import { type EndedSessions, endedMeanwhile, type Whose } from './ended-sessions.ts'
import { endOf, isDueToRoll, type Lifetimes } from './lifetime.ts'
import type { Records } from './records.ts'
import type { KeptTokens, Session } from './session.ts'
import { createSessionIndex, type Exclusion, type IndexEntry } from './session-index.ts'

/** A session as it is stored: when it was used last is known to its browser. */
export type StoredSession = Omit<Session, 'seenAt'>

/** The sessions of one app, on the server. What is awaited may throw SessionError `ERR_SESSION_STORE`. */
export interface ServerSessions {
  find(id: string): Promise<StoredSession | undefined>
  /**
   * Begins one, in place of what the browser had before.
   *
   * @throws SessionError `ERR_SESSION_ENDED` when it ended at the provider meanwhile
   */
  begin(session: Session, context?: BeginContext): Promise<void>
  /** Makes a session live longer, at most once a minute. Nobody waits for it. */
  touch(session: Session): void
  /** Whether there was a session to keep the tokens for. */
  replaceTokens(session: Session, tokens: KeptTokens | undefined): Promise<boolean>
  /** Ends one, and returns what it was. */
  end(id: string): Promise<StoredSession | undefined>
  /** Ends all that an End-User has, or those of one session at the provider, and returns them. */
  endAll(whose: Whose): Promise<readonly StoredSession[]>
  /** Those that an End-User has, oldest first. */
  list(whose: Whose): Promise<readonly StoredSession[]>
  /** Acts while nobody else does so for this session. */
  alone<Value>(id: string, act: () => Promise<Value>): Promise<Value>
}

/** What a session begins in. */
export interface BeginContext {
  /** The session that the browser had before. */
  readonly previous?: string | undefined
  /** When the login began. NumericDate. */
  readonly since?: number | undefined
}

/** What keeping sessions takes. */
export interface ServerSessionsSettings {
  readonly records: Records
  readonly ended: EndedSessions
  readonly mutex: Exclusion
  /** Whether it holds between processes: else the list of an End-User's sessions may lack one. */
  readonly isExclusive: boolean
  /** Seals what is stored. */
  readonly sealer: Sealer
  readonly lifetimes: Lifetimes
  readonly keepsTokens: boolean
  readonly maxSessions: number
  /** Whether a session is one of this app's providers. */
  readonly accepts: (session: StoredSession) => boolean
  readonly clock: Clock
  readonly emit: Emit
}

/** Seconds for which the callback of a login may be repeated, and some more. */
const repeatable = 120
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
    maxSessions: settings.maxSessions,
    isAlive: async (id) => (await readSession(id)) !== undefined,
    clock,
  })

  /** What cannot be made to live longer lives for as long as it may. */
  function expiryOf(session: Session): number {
    const { createdAt } = session
    return records.canTouch ? endIfUsedNow(session) : createdAt + lifetimes.lifetime
  }

  /** Later than `seenAt` says: other requests may have used the session since this one began. */
  function endIfUsedNow(session: Session): number {
    return endOf({ ...session, seenAt: clock.now() }, lifetimes)
  }

  /** Who can read the store learns nothing of anybody; who can write to it cannot be another. */
  async function readSealed(name: string): Promise<unknown> {
    const found = await records.get(name)
    const sealed = isObject(found) ? found['sealed'] : undefined
    return typeof sealed === 'string' ? sealer.open(sealed) : undefined
  }

  async function readSession(id: string): Promise<StoredSession | undefined> {
    const found = await readSealed(`session:${id}`)
    // A store that answers with another one's record must not sign anybody in
    if (!isSession(found) || found.id !== id || !settings.accepts(found)) return undefined
    if (clock.now() >= found.createdAt + lifetimes.lifetime) return undefined
    return found
  }

  async function readTokens(id: string): Promise<KeptTokens | undefined> {
    const tokens = await readSealed(`tokens:${id}`)
    // The session's id is sealed with them: the tokens of one are not another's
    if (!isObject(tokens) || tokens['session'] !== id) return undefined
    const { session: _, ...rest } = tokens
    return rest
  }

  async function readWhole(id: string): Promise<StoredSession | undefined> {
    const [session, tokens] = await Promise.all([
      readSession(id),
      settings.keepsTokens ? readTokens(id) : undefined,
    ])
    return session && tokens ? { ...session, tokens } : session
  }

  async function find(id: string): Promise<StoredSession | undefined> {
    const session = await readWhole(id)
    if (!session || settings.isExclusive) return session
    // One that a logout could not find is over all the same
    return (await ended.includes(session, session.createdAt)) ? undefined : session
  }

  async function putTokens(session: Session, tokens: KeptTokens): Promise<void> {
    await records.put(`tokens:${session.id}`, sealTokens(session, tokens), expiryOf(session))
  }

  function sealSession({ tokens: _, seenAt: __, ...stored }: Session): object {
    return { sealed: sealer.seal(stored) }
  }

  function sealTokens({ id }: Session, tokens: KeptTokens): object {
    return { sealed: sealer.seal({ ...tokens, session: id }) }
  }

  /** The session first: without it, the rest is worth nothing. */
  async function drop(id: string): Promise<StoredSession | undefined> {
    const session = await readWhole(id)
    // What its login has earned is remembered for a moment, and must not be written once more
    if (session && clock.now() < session.createdAt + repeatable) await ended.noteOne({ id })
    await records.drop(`session:${id}`)
    await quietly(() => records.drop(`tokens:${id}`))
    return session
  }

  /** An entry of a session that is over does no harm. */
  async function forget(
    { provider, claims: { iss, sub } }: StoredSession,
    ids: readonly string[],
  ): Promise<void> {
    await quietly(() => index.remove({ iss, provider }, sub, ids))
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
    const ids = entries.map(({ id }) => id)
    const dropped = await inBatches(ids, drop)
    const gone = dropped.filter((session) => session !== undefined)
    if (gone[0]) await forget(gone[0], ids)
    return gone
  }

  return {
    find,
    async begin(session, { previous, since = session.createdAt } = {}) {
      const { tokens } = session
      // A callback may come once more, and later than the logout
      if (await ended.includesOne(session)) throw endedMeanwhile()
      if (tokens) await putTokens(session, tokens)
      // Before its entry: whoever finds one without a session takes it for over
      await records.put(`session:${session.id}`, sealSession(session), expiryOf(session))
      const entries = await index.add(session)
      // A logout may have come between: it has left a note, and then looked for sessions
      const { claims } = session
      if (await ended.includes(session, since)) {
        await end(session.id)
        throw endedMeanwhile()
      }
      // Session fixation: what the browser had before is worth nothing any more
      if (previous !== undefined && previous !== session.id) await quietly(() => end(previous))
      const others = entries.filter(({ id }) => id !== session.id && id !== previous)
      const tooMany = others.slice(0, Math.max(others.length + 1 - settings.maxSessions, 0))
      if (tooMany.length === 0) return
      await quietly(async () => {
        const { length: sessions } = await endMany(tooMany)
        const { provider } = session
        emit({ type: 'session.ended', by: 'limit', provider, sub: claims.sub, sessions })
      })
    },
    touch(session) {
      const now = clock.now()
      const last = touched.get(session.id)
      if (last !== undefined && !isDueToRoll({ ...session, seenAt: last }, lifetimes, now)) return
      keepNewest(touched, [session.id, now], maxTouched)
      const expiry = endOf(session, lifetimes)
      void quietly(async () => {
        await records.touch(`session:${session.id}`, sealSession(session), expiry)
        const { tokens } = session
        if (tokens) await records.touch(`tokens:${session.id}`, sealTokens(session, tokens), expiry)
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
    async endAll(whose) {
      await ended.note(whose)
      return await endMany(await index.find(whose))
    },
    async list(whose) {
      const entries = await index.find(whose)
      const sessions = await inBatches(entries, ({ id }) => readSession(id))
      return sessions
        .filter((session) => session !== undefined)
        .filter(({ claims }) => claims.iss === whose.iss && claims.sub === whose.sub)
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
