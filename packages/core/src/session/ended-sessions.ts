/**
 * Which sessions have ended before their time: a note that outlives them, for sessions that cannot be
 * taken away themselves (in a cookie, in the app's own session), and for a login that is finished while
 * its session at the provider ends.
 *
 * @module
 */

import { createHash } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import type { Records } from './records.ts'
import type { Session } from './session.ts'

/** Whose sessions: all of an End-User, or those of one session at the provider. */
export interface Whose {
  readonly iss: string
  readonly sub?: string | undefined
  readonly sid?: string | undefined
}

/** The sessions that have ended before their time. */
export interface EndedSessions {
  /** Notes an end: of one session at the provider where `sid` is there, else of all that `sub` has. */
  note(whose: Whose): Promise<void>
  includes(session: Pick<Session, 'claims' | 'createdAt'>): Promise<boolean>
}

/** Creates the notes. They are kept for `lifetime` seconds: until every session is over by itself. */
export function createEndedSessions({
  records,
  lifetime,
  clock,
}: {
  records: Records
  lifetime: number
  clock: Clock
}): EndedSessions {
  async function readEnd(name: string): Promise<number | undefined> {
    const found = await records.get(name)
    if (typeof found !== 'object' || found === null || !('at' in found)) return undefined
    return typeof found.at === 'number' ? found.at : undefined
  }

  return {
    async note({ iss, sub, sid }) {
      const now = clock.now()
      const name = sid === undefined ? nameOf('sub', iss, sub ?? '') : nameOf('sid', iss, sid)
      await records.put(`ended:${name}`, { at: now }, now + lifetime)
    },
    async includes({ claims: { iss, sub, sid }, createdAt }) {
      const [bySid, bySub] = await Promise.all([
        sid === undefined ? undefined : readEnd(`ended:${nameOf('sid', iss, sid)}`),
        readEnd(`ended:${nameOf('sub', iss, sub)}`),
      ])
      // A session at the provider does not come back; an End-User does
      return bySid !== undefined || (bySub !== undefined && createdAt <= bySub)
    },
  }
}

/** The name of what is kept of a `sub` or a `sid`, which may be long and have any character. */
export function nameOf(kind: 'sub' | 'sid' | 'jti', iss: string, value: string): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([iss, value]))
    .digest('base64url')
  return `${kind}:${digest}`
}
