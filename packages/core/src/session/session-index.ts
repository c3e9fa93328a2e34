/**
 * Which sessions an End-User has: a record for each `sub`, and one for each `sid` that leads to it.
 *
 * @module
 */

import type { Clock } from '../base/clock.ts'
import { nameOf, type Whose } from './ended-sessions.ts'
import type { Records } from './records.ts'
import type { Session } from './session.ts'

/** One session of an End-User. */
export interface IndexEntry {
  readonly id: string
  readonly sid?: string | undefined
  /** NumericDate. */
  readonly createdAt: number
}

/** Acts while nobody else acts under this name. @throws SessionError `ERR_SESSION_STORE` */
export type Exclusion = <Value>(name: string, act: () => Promise<Value>) => Promise<Value>

/** The sessions of each End-User. */
export interface SessionIndex {
  /** Adds a session, and returns all that its End-User has, oldest first. */
  add(session: Session): Promise<readonly IndexEntry[]>
  /** Removes sessions of one End-User. */
  remove(iss: string, sub: string, ids: readonly string[]): Promise<void>
  /** The sessions of an End-User, or those of one session at the provider. Some may be over. */
  find(whose: Whose): Promise<readonly IndexEntry[]>
}

/** From how many sessions on it is looked which of them are over, each time that they have doubled. */
const lookFrom = 32

/** Creates the index. `isAlive` tells whether a session is still there. */
export function createSessionIndex({
  records,
  lifetime,
  mutex,
  isAlive,
  clock,
}: {
  records: Records
  /** Seconds. */
  lifetime: number
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
    act: (entries: readonly IndexEntry[]) => Promise<readonly IndexEntry[]>,
  ): Promise<readonly IndexEntry[]> {
    return await mutex(name, async () => {
      const next = await act(await read(name))
      const newest = Math.max(...next.map(({ createdAt }) => createdAt))
      if (next.length === 0) await records.drop(name)
      else await records.put(name, { sessions: next }, newest + lifetime)
      return next
    })
  }

  /** An End-User who never signs out leaves many that are over. */
  async function prune(entries: readonly IndexEntry[]): Promise<readonly IndexEntry[]> {
    const { length } = entries
    if (length < lookFrom || !Number.isInteger(Math.log2(length))) return entries
    const alive = await Promise.all(entries.map(({ id }) => isAlive(id)))
    return entries.filter((_, index) => alive[index])
  }

  return {
    async add({ id, createdAt, claims: { iss, sub, sid } }) {
      // RPs see one `sid` with one `sub` only: written by whom it may, it is the same
      if (sid !== undefined)
        await records.put(nameOf('sid', iss, sid), { sub }, createdAt + lifetime)
      return await change(nameOf('sub', iss, sub), async (entries) => [
        ...(await prune(entries)),
        { id, sid, createdAt },
      ])
    },
    async remove(iss, sub, ids) {
      await change(nameOf('sub', iss, sub), async (entries) =>
        entries.filter(({ id }) => !ids.includes(id)),
      )
    },
    async find({ iss, sub, sid }) {
      const whose = sub ?? (sid === undefined ? undefined : await readSub(records, iss, sid))
      if (whose === undefined) return []
      const entries = await read(nameOf('sub', iss, whose))
      return sid === undefined ? entries : entries.filter((entry) => entry.sid === sid)
    },
  }
}

async function readSub(records: Records, iss: string, sid: string): Promise<string | undefined> {
  const found = await records.get(nameOf('sid', iss, sid))
  const sub = isObject(found) ? found['sub'] : undefined
  return typeof sub === 'string' ? sub : undefined
}

function isEntry(value: unknown): value is IndexEntry {
  return (
    isObject(value) && typeof value['id'] === 'string' && typeof value['createdAt'] === 'number'
  )
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
