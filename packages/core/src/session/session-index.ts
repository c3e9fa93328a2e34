/**
 * Which sessions an End-User has: a record for each `sub`, and one for each `sid` that leads to it.
 *
 * @module
 */

import type { Clock } from '../base/clock.ts'
import { isObject } from '../base/objects.ts'
import { SessionError } from '../errors.ts'
import { inBatches } from './batches.ts'
import { nameOf, type Origin, type Whose } from './ended-sessions.ts'
import type { Records } from './records.ts'
import type { Session } from './session.ts'

/** One session of an End-User. */
export interface IndexEntry {
  readonly id: string
  /** Hashed: who knows a `sid` can end that session. */
  readonly sid?: string | undefined
  /** NumericDate. */
  readonly createdAt: number
}

/** Acts while nobody else acts under this name: until the signal aborts. @throws SessionError `ERR_SESSION_STORE` */
export type Exclusion = <Value>(
  name: string,
  act: (signal: AbortSignal) => Promise<Value>,
) => Promise<Value>

/** The sessions of each End-User. */
export interface SessionIndex {
  /** Adds a session, and returns all that its End-User has, oldest first. */
  add(session: Session): Promise<readonly IndexEntry[]>
  /** Removes sessions of one End-User. */
  remove(from: Origin, sub: string, ids: readonly string[]): Promise<void>
  /** The sessions of an End-User, or those of one session at the provider. Some may be over. */
  find(whose: Whose): Promise<readonly IndexEntry[]>
}

/** From how many sessions on it is looked which of them are over, each time that they have doubled. */
const lookFrom = 32

/** Creates the index. `isAlive` tells whether a session is still there. */
export function createSessionIndex({
  records,
  lifetime,
  maxSessions,
  mutex,
  isAlive,
  clock,
}: {
  records: Records
  /** Seconds. */
  lifetime: number
  /** How many an End-User may have: then those that are over must not be counted. */
  maxSessions: number
  /** Two processes that add at once must not lose an entry: a logout would not find that session. */
  mutex: Exclusion
  isAlive: (id: string) => Promise<boolean>
  clock: Clock
}): SessionIndex {
  async function read(name: string): Promise<readonly IndexEntry[]> {
    const found = await records.get(name)
    const entries: unknown = isObject(found) ? found['sessions'] : undefined
    if (!Array.isArray(entries)) return []
    return entries.filter(isEntry).filter(({ createdAt }) => clock.now() < createdAt + lifetime)
  }

  async function change(
    name: string,
    act: (entries: readonly IndexEntry[]) => readonly IndexEntry[],
  ): Promise<readonly IndexEntry[]> {
    return await mutex(name, async (signal) => {
      const next = act(await read(name))
      // Another may have the lock by now, and what it writes must not be lost
      if (signal.aborted) throw tooSlow()
      const newest = next.reduce((last, { createdAt }) => Math.max(last, createdAt), 0)
      if (next.length === 0) await records.drop(name)
      else await records.put(name, { sessions: next }, newest + lifetime)
      return next
    })
  }

  /** An End-User who never signs out leaves many that are over. */
  async function findDead(name: string): Promise<ReadonlySet<string>> {
    const entries = await read(name)
    const { length } = entries
    const isDue = length >= lookFrom && Number.isInteger(Math.log2(length))
    if (!isDue && length < maxSessions) return new Set()
    const alive = await inBatches(entries, ({ id }) => isAlive(id))
    return new Set(entries.filter((_, index) => !alive[index]).map(({ id }) => id))
  }

  return {
    async add({ id, provider, createdAt, claims: { iss, sub, sid } }) {
      const from = { iss, provider }
      const own = nameOf('sub', from, sub)
      const session = sid === undefined ? undefined : nameOf('sid', from, sid)
      // RPs see one `sid` with one `sub` only: written by whom it may, it is the same
      if (session) await records.put(session, { of: own }, createdAt + lifetime)
      const dead = await findDead(own)
      return await change(own, (entries) => {
        // A login that is repeated, by a double click or after an outage, is one session
        const others = entries.filter((entry) => entry.id !== id && !dead.has(entry.id))
        return [...others, { id, sid: session, createdAt }]
      })
    },
    async remove(from, sub, ids) {
      await change(nameOf('sub', from, sub), (entries) =>
        entries.filter(({ id }) => !ids.includes(id)),
      )
    },
    async find({ sub, sid, ...from }) {
      const session = sid === undefined ? undefined : nameOf('sid', from, sid)
      const own =
        sub === undefined
          ? session && (await readOwner(records, session))
          : nameOf('sub', from, sub)
      if (own === undefined) return []
      const entries = await read(own)
      if (session === undefined) return entries
      // Where `sub` is named, one that began without a `sid` may be the one: it cannot be told apart
      const isMeant = (found: string | undefined) =>
        found === session || (!found && sub !== undefined)
      return entries.filter((entry) => isMeant(entry.sid))
    },
  }
}

/** The name of the list that a session at the provider leads to. */
async function readOwner(records: Records, session: string): Promise<string | undefined> {
  const found = await records.get(session)
  const own = isObject(found) ? found['of'] : undefined
  return typeof own === 'string' ? own : undefined
}

function tooSlow(): SessionError {
  const message = "the list of an End-User's sessions took too long to change"
  return new SessionError('ERR_SESSION_STORE', message)
}

function isEntry(value: unknown): value is IndexEntry {
  return (
    isObject(value) && typeof value['id'] === 'string' && typeof value['createdAt'] === 'number'
  )
}
