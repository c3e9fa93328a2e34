/**
 * Signatures of others: verifies a compact JWS with the keys of a JWK Set.
 *
 * @see RFC 7515, 5.2
 *
 * @module
 */

import { compactVerify, type createLocalJWKSet, decodeProtectedHeader, errors } from 'jose'

/** The keys of a JWK Set, imported when they are used. One that cannot be is passed over. */
export type KeySet = ReturnType<typeof createLocalJWKSet>

/** What was signed; or whether the key that signed may be one that is not in the set. */
export type Verification =
  | { readonly payload: Uint8Array }
  | { readonly payload: undefined; readonly isKeyMissing: boolean }

/** How many keys are tried for a JWS that names none. */
const maxAttempts = 8

/**
 * Verifies a compact JWS with the key that it names, or with each that fits.
 *
 * The algorithms are the caller's, and the key is the set's: what the header says of keys (`jwk`, `jku`,
 * `x5c`) counts for nothing (RFC 8725, 3.1 and 3.10).
 */
export async function verifyJws(
  jws: string,
  keys: KeySet,
  algs: readonly string[],
): Promise<Verification> {
  const options = { algorithms: [...algs] }
  try {
    const { payload } = await compactVerify(jws, keys, options)
    return { payload }
  } catch (error) {
    if (error instanceof errors.JWKSMultipleMatchingKeys) return await tryEach(jws, error, options)
    return { payload: undefined, isKeyMissing: isKeyMissing(jws, error) }
  }
}

/** Keys without a `kid`, or several with the same one. */
async function tryEach(
  jws: string,
  candidates: errors.JWKSMultipleMatchingKeys,
  options: { algorithms: string[] },
): Promise<Verification> {
  let failure: unknown
  let attempts = 0
  for await (const key of candidates) {
    try {
      const { payload } = await compactVerify(jws, key, options)
      return { payload }
    } catch (error) {
      failure = error
    }
    if (++attempts === maxAttempts) break
  }
  return { payload: undefined, isKeyMissing: isKeyMissing(jws, failure) }
}

function isKeyMissing(jws: string, error: unknown): boolean {
  if (error instanceof errors.JWKSNoMatchingKey) return true
  // Where keys have no names, a new one shows by this alone
  return (
    error instanceof errors.JWSSignatureVerificationFailed &&
    decodeProtectedHeader(jws).kid === undefined
  )
}
