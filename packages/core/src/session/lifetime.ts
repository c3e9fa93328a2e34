/**
 * How long a session lives: until it was idle for too long, and never longer than its lifetime.
 *
 * @module
 */

import type { Session } from './session.ts'

/** Both in seconds. */
export interface Lifetimes {
  readonly idleTimeout: number
  readonly lifetime: number
}

/** Seconds after which a used session is written again, to count as used. */
const rollAfter = 60

/** Whether a session is over. */
export function isExpired(
  session: Session,
  { idleTimeout, lifetime }: Lifetimes,
  now: number,
): boolean {
  return now >= session.seenAt + idleTimeout || now >= session.createdAt + lifetime
}

/** Whether a session in use should be written again: at most once a minute. */
export function isDueToRoll(session: Session, { idleTimeout }: Lifetimes, now: number): boolean {
  return now >= session.seenAt + Math.min(rollAfter, idleTimeout / 2)
}

/** Seconds that are left if it is not used again. */
export function secondsLeft(session: Session, { idleTimeout, lifetime }: Lifetimes): number {
  return Math.min(session.seenAt + idleTimeout, session.createdAt + lifetime) - session.seenAt
}

/** When a session ends if it is not used again. NumericDate. */
export function endOf(session: Session, lifetimes: Lifetimes): number {
  return session.seenAt + secondsLeft(session, lifetimes)
}
