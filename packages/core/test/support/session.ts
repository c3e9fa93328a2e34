/**
 * A session, and a clock that is moved by hand.
 *
 * @module
 */

import type { Session } from '../../src/session/session.ts'

/** When the sessions and logins of the tests begin. NumericDate. */
export const start = 1_700_000_000

/** Builds a session of Ada's. */
export function buildSession(overrides: Partial<Session> = {}): Session {
  return {
    id: 'session-1',
    createdAt: start,
    seenAt: start,
    claims: {
      iss: 'https://op.example',
      sub: 'ada',
      aud: 'app',
      iat: start,
      exp: start + 3600,
      auth_time: start,
    },
    ...overrides,
  }
}

/** A clock that stands still until it is moved. */
export function createClock(): { now(): number; move(seconds: number): void } {
  let time = start
  return {
    now: () => time,
    move(seconds) {
      time += seconds
    },
  }
}
