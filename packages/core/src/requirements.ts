/**
 * What a guard may demand of a signed-in End-User.
 *
 * @module
 */

import { findUnmet } from './login/id-token.ts'
import type { StepUp } from './login/transaction.ts'
import type { AcrDemands } from './provider/preset.ts'
import type { Claims, Session, UserClaims } from './session/session.ts'

/** An expected claim: the value, a list of which one must match, or a predicate. */
export type ExpectedClaim =
  | string
  | number
  | boolean
  | readonly (string | number | boolean)[]
  | ((value: unknown) => boolean)

/** What a guard demands of the sign-in. A weaker one is stepped up. */
export interface SignInRequirements {
  /** Acceptable `acr` values. */
  readonly acr?: string | readonly string[]
  /** Seconds since the End-User actively signed in; 0 asks for a sign-in now. */
  readonly maxAge?: number
  /** Authentication methods that must all have been used. @see RFC 8176, 2 */
  readonly amr?: string | readonly string[]
}

/** What a guard demands. Without any, being signed in is enough. */
export interface Requirements<User extends Claims = UserClaims> extends SignInRequirements {
  /** The id of the provider that must have signed the End-User in, or of several, the first preferred. */
  readonly provider?: string | readonly string[]
  /** Claims that `user` must have; without them the answer is 403. */
  readonly claims?:
    | Readonly<Record<string, ExpectedClaim>>
    | ((claims: User) => boolean | Promise<boolean>)
}

/** Seconds for which a sign-in counts as now: the way back from the provider takes a moment. */
const grace = 60

/** Builds what a login must ask for to meet the requirements; `undefined` when the session does. */
export function findStepUp(
  session: Session,
  { acr, amr, maxAge }: SignInRequirements,
  { now, demands }: { readonly now: number; readonly demands?: AcrDemands | undefined },
): { readonly stepUp: StepUp; readonly maxAge?: number } | undefined {
  const stepUp = {
    acr: acr === undefined ? undefined : [acr].flat(),
    amr: amr === undefined ? undefined : [amr].flat(),
  }
  const isTooOld = maxAge !== undefined && !isRecent(session, maxAge, now)
  if (!isTooOld && findUnmet(session.claims, stepUp, demands) === undefined) return undefined
  return isTooOld ? { stepUp, maxAge } : { stepUp }
}

function isRecent({ claims, createdAt, maxAge }: Session, required: number, now: number): boolean {
  if (claims.auth_time !== undefined && claims.auth_time + required >= now) return true
  // Checked at the callback a moment ago; to ask again would ask for ever
  return maxAge !== undefined && maxAge <= required && now < createdAt + grace
}

/** Whether the user has the claims. */
export async function hasClaims<User extends Claims>(
  user: User,
  expected: Requirements<User>['claims'],
): Promise<boolean> {
  if (expected === undefined) return true
  if (typeof expected === 'function') return await expected(user)
  return Object.entries(expected).every(([name, value]) => matches(user[name], value))
}

/** A claim with several values (`groups`, `roles`) matches when one of them does. */
function matches(actual: unknown, expected: ExpectedClaim): boolean {
  if (typeof expected === 'function') return expected(actual)
  const wanted: readonly unknown[] = [expected].flat()
  return [actual].flat().some((value) => value !== undefined && wanted.includes(value))
}
