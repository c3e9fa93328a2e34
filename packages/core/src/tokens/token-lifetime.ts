/**
 * When an access token is due to be refreshed: some time before it expires.
 *
 * @module
 */

import type { KeptTokens } from '../session/session.ts'

/** Seconds that a token must have left to be worth using. */
const defaultMinLifetime = 30

/**
 * Whether an access token has less time left than it should. One from a refresh that gained little is
 * used for half of that at least: another refresh would gain no more, and each request would want one.
 */
export function isDue(
  { expiresAt, refreshedFor = Number.POSITIVE_INFINITY }: KeptTokens,
  now: number,
  minLifetime: number = Math.min(defaultMinLifetime, refreshedFor / 2),
): boolean {
  return expiresAt !== undefined && expiresAt - now < minLifetime
}
