/**
 * Which sessions have ended before their time: a note that outlives them, for sessions that cannot be
 * taken away themselves (in a cookie, in the app's own session), and for a login that is finished while
 * its session at the provider ends.
 *
 * @module
 */

import { createHash } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import { SessionError } from '../errors.ts'
import type { Records } from './records.ts'
import type { Session } from './session.ts'

/** Where a `sub`, a `sid` and a `jti` mean something: at one registration with one issuer. */
export interface Origin {
  readonly iss: string
  /** The provider's id, where the app has several. */
  readonly provider?: string | undefined
}

/** Whose sessions: all of an End-User, or those of one session at the provider. */
export interface Whose extends Origin {
  readonly sub?: string | undefined
  readonly sid?: string | undefined
}

/** The sessions that have ended before their time. */
export interface EndedSessions {
  /** Notes that a session at the provider is one of ours, whose end may be told by anybody who knows it. */
  expect(session: Pick<Session, 'provider' | 'claims' | 'createdAt'>): Promise<void>
  /** Notes an end: of one session at the provider where `sid` is there, else of all that `sub` has. */
  note(whose: Whose): Promise<void>
  /** Notes the end of one session here: its cookie may have been copied. */
  noteOne(session: Pick<Session, 'id'>): Promise<void>
  /** Whether the end of this very session here is noted. */
  includesOne(session: Pick<Session, 'id'>): Promise<boolean>
  /**
   * Whether a session is over. With `since`, only what came in a later second counts: what began in the
   * same second as a logout may well have begun after it.
   */
  includes(
    session: Pick<Session, 'id' | 'provider' | 'claims' | 'createdAt'>,
    since?: number,
  ): Promise<boolean>
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
  /** `sub` is hashed. */
  async function readEnd(name: string, sub: string): Promise<number | undefined> {
    const found = await records.get(name)
    if (typeof found !== 'object' || found === null || !('at' in found)) return undefined
    // That of one End-User does not end another's, whatever the `sid`
    if ('of' in found && found.of !== sub) return undefined
    return typeof found.at === 'number' ? found.at : undefined
  }

  async function put(name: string, of?: string): Promise<void> {
    const now = clock.now()
    await records.put(`ended:${name}`, { at: now, ...(of !== undefined && { of }) }, now + lifetime)
  }

  return {
    async expect({ provider, claims: { iss, sub, sid }, createdAt }) {
      if (sid === undefined) return
      const from = { iss, provider }
      await records.put(
        nameOf('sid', from, sid),
        { of: nameOf('sub', from, sub) },
        createdAt + lifetime,
      )
    },
    async note({ sub, sid, ...from }) {
      const of = sub === undefined ? undefined : nameOf('sub', from, sub)
      await put(sid === undefined ? nameOf('sub', from, sub ?? '') : nameOf('sid', from, sid), of)
    },
    async noteOne({ id }) {
      await put(`id:${id}`)
    },
    async includesOne({ id }) {
      return (await records.get(`ended:id:${id}`)) !== undefined
    },
    async includes({ id, provider, claims: { iss, sub, sid }, createdAt }, since) {
      const from = { iss, provider }
      const own = nameOf('sub', from, sub)
      const [byId, bySid, bySub] = await Promise.all([
        readEnd(`ended:id:${id}`, own),
        sid === undefined ? undefined : readEnd(`ended:${nameOf('sid', from, sid)}`, own),
        readEnd(`ended:${own}`, own),
      ])
      // This session does not come back. An End-User does, and may have the same `sid` then: not all
      // that is signed out of is the session at the provider
      const at = Math.max(bySid ?? 0, bySub ?? 0)
      return byId !== undefined || (since === undefined ? createdAt <= at : since < at)
    },
  }
}

/** What was under way for a session that has ended. */
export function endedMeanwhile(): SessionError {
  return new SessionError('ERR_SESSION_ENDED', 'the session has ended meanwhile')
}

/** The name of what is kept of a `sub` or a `sid`, which may be long and have any character. */
export function nameOf(
  kind: 'sub' | 'sid' | 'jti',
  { iss, provider = '' }: Origin,
  value: string,
): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([provider, iss, value]))
    .digest('base64url')
  return `${kind}:${digest}`
}
