/**
 * What is checked of an ID Token beyond openid-client's own checks.
 *
 * @see OpenID Connect Core 1.0, 3.1.3.7
 *
 * @module
 */

import { createHash } from 'node:crypto'
import { compactVerify } from 'jose'
import { TokenValidationError } from '../errors.ts'
import type { AcrDemands } from '../provider/preset.ts'
import type { IdTokenClaims } from '../session/session.ts'
import { meetsAcr } from './acr.ts'
import type { StepUp } from './transaction.ts'

/** What an ID Token is held to. */
export interface IdTokenExpectations {
  readonly clientId: string
  /** Audiences besides the client that are trusted. */
  readonly trustedAudiences: readonly string[]
  readonly accessToken: string
  readonly stepUp: StepUp | undefined
  /** How the provider's levels compare, where that is known. */
  readonly acr?: AcrDemands | undefined
  readonly now: number
  readonly clockTolerance: number
}

/**
 * Checks the claims of an ID Token whose signature, `iss`, `exp`, `nonce` and `auth_time` are checked
 * already. The numbers are those of the specification's list.
 *
 * @throws TokenValidationError
 */
export function checkIdToken(
  idToken: string,
  claims: IdTokenClaims,
  expected: IdTokenExpectations,
): void {
  const { clientId, trustedAudiences, now, clockTolerance } = expected
  // 3.1.3.7 (3): additional audiences must be trusted by the client
  const untrusted = [claims.aud]
    .flat()
    .find((aud) => ![clientId, ...trustedAudiences].includes(aud))
  if (untrusted !== undefined) {
    throw refuse('aud', 'mismatch', `"aud" names another audience, ${JSON.stringify(untrusted)}`)
  }
  // 3.1.3.7 (5)
  if (claims['azp'] !== undefined && claims['azp'] !== clientId) {
    throw refuse('azp', 'mismatch', '"azp" is not this client')
  }
  // 3.1.3.7 (10)
  if (claims.iat > now + clockTolerance) {
    const ahead = claims.iat - now
    throw refuse('iat', 'invalid', `"iat" is ${ahead} s in the future: compare the two clocks`)
  }
  if (claims.sub === '') throw refuse('sub', 'invalid', '"sub" is empty')
  checkAccessTokenHash(idToken, claims, expected.accessToken)
  if (expected.stepUp) checkStepUp(claims, expected.stepUp, expected.acr)
}

// OIDC Core, 3.1.3.8: OPTIONAL in the code flow, but a wrong one is not acceptable
function checkAccessTokenHash(idToken: string, claims: IdTokenClaims, accessToken: string): void {
  const hash = claims['at_hash']
  if (hash === undefined) return
  const digest = createHash(readDigest(idToken)).update(accessToken, 'ascii').digest()
  const expected = digest.subarray(0, digest.length / 2).toString('base64url')
  if (hash !== expected) {
    throw refuse('at_hash', 'mismatch', '"at_hash" does not belong to the access token')
  }
}

/** The digest of the ID Token's own `alg`; Ed25519 hashes with SHA-512. */
function readDigest(idToken: string): string {
  const { alg } = JSON.parse(Buffer.from(idToken.split('.')[0] ?? '', 'base64url').toString())
  return `sha${/^[RPEH]S(\d{3})$/.exec(alg)?.[1] ?? '512'}`
}

function checkStepUp(
  claims: IdTokenClaims,
  { acr, amr }: StepUp,
  demands: AcrDemands | undefined,
): void {
  const failed = findUnmet(claims, { acr, amr }, demands)
  if (!failed) return
  throw new TokenValidationError(
    'ERR_STEP_UP',
    `the provider signed the End-User in, but not as strongly as was asked: "${failed}" is ` +
      `${JSON.stringify(claims[failed] ?? null)}`,
    { tokenKind: 'id_token', claim: failed, reason: 'mismatch' },
  )
}

/** Which of `acr` and `amr` does not meet a requirement; `undefined` when both do. */
export function findUnmet(
  claims: IdTokenClaims,
  { acr, amr }: StepUp,
  demands?: AcrDemands,
): 'acr' | 'amr' | undefined {
  if (acr && !meetsAcr(claims.acr, acr, demands)) return 'acr'
  const methods: readonly unknown[] = Array.isArray(claims.amr) ? claims.amr : []
  return amr && !amr.every((method) => methods.includes(method)) ? 'amr' : undefined
}

/**
 * Verifies an ID Token that is signed with the client secret, which openid-client leaves to the TLS
 * connection. @see OpenID Connect Core 1.0, 3.1.3.7 (8)
 *
 * @throws TokenValidationError `ERR_SIGNATURE`
 */
export async function verifySecretSignature(
  idToken: string,
  secret: string,
  algorithms: readonly string[],
): Promise<void> {
  try {
    await compactVerify(idToken, new TextEncoder().encode(secret), { algorithms: [...algorithms] })
  } catch {
    throw new TokenValidationError('ERR_SIGNATURE', 'the signature is not valid', {
      tokenKind: 'id_token',
      reason: 'invalid',
    })
  }
}

function refuse(
  claim: string,
  reason: TokenValidationError['reason'],
  message: string,
): TokenValidationError {
  return new TokenValidationError('ERR_ID_TOKEN_CLAIM', message, {
    tokenKind: 'id_token',
    claim,
    reason,
  })
}
