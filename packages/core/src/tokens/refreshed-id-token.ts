/**
 * What the ID Token of a refresh may say: nothing that the first one did not.
 *
 * Its claims are not taken over: who has signed in, when and how, is what the login has found out.
 *
 * @see OpenID Connect Core 1.0, 12.2
 *
 * @module
 */

import { TokenValidationError } from '../errors.ts'
import type { Session } from '../session/session.ts'

/** The claims that are compared. Signature, `exp` and `iat` are checked already. */
export interface RefreshedClaims {
  readonly iss: string
  readonly sub: string
  readonly aud: string | readonly string[]
  readonly auth_time?: number | undefined
  readonly nonce?: unknown
  readonly azp?: unknown
}

/**
 * Checks that it is of the same issuer and End-User, for the same audience, and of the same
 * authentication as the first one.
 *
 * @throws TokenValidationError `ERR_ID_TOKEN_CLAIM`
 */
export function checkRefreshedIdToken(
  refreshed: RefreshedClaims,
  { claims, tokens }: Session,
  clientId: string,
): void {
  for (const claim of ['iss', 'sub'] as const) {
    if (refreshed[claim] !== claims[claim]) throw changed(claim)
  }
  const [now, before] = [new Set([refreshed.aud].flat()), new Set([claims.aud].flat())]
  if (now.size !== before.size || ![...now].every((aud) => before.has(aud))) throw changed('aud')
  const { auth_time, nonce, azp } = refreshed
  // Where the first one had none, the session does not know when it was
  if (auth_time !== undefined && claims.auth_time !== undefined && auth_time !== claims.auth_time) {
    throw changed('auth_time')
  }
  // It SHOULD have none, and MUST NOT have another
  if (nonce !== undefined && nonce !== tokens?.nonce) throw changed('nonce')
  // Left to extensions since errata set 2: it may come and go, and is never another client's
  if (azp !== undefined && azp !== (claims['azp'] ?? clientId)) throw changed('azp')
}

function changed(claim: string): TokenValidationError {
  return new TokenValidationError(
    'ERR_ID_TOKEN_CLAIM',
    `"${claim}" of the refreshed ID Token is not the first one's`,
    { tokenKind: 'id_token', claim, reason: 'mismatch' },
  )
}
