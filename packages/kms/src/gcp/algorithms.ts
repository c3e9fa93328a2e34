/**
 * The algorithms of Google Cloud KMS that are algorithms of JOSE. There a version is made for one.
 *
 * @see https://cloud.google.com/kms/docs/algorithms
 *
 * @module
 */

import type { JwsAlgorithm } from '@countersign/core/keys'

/** The table. */
const algorithms: Readonly<Record<string, readonly JwsAlgorithm[]>> = {
  RSA_SIGN_PKCS1_2048_SHA256: ['RS256'],
  RSA_SIGN_PKCS1_3072_SHA256: ['RS256'],
  RSA_SIGN_PKCS1_4096_SHA256: ['RS256'],
  RSA_SIGN_PKCS1_4096_SHA512: ['RS512'],
  RSA_SIGN_PSS_2048_SHA256: ['PS256'],
  RSA_SIGN_PSS_3072_SHA256: ['PS256'],
  RSA_SIGN_PSS_4096_SHA256: ['PS256'],
  RSA_SIGN_PSS_4096_SHA512: ['PS512'],
  EC_SIGN_P256_SHA256: ['ES256'],
  EC_SIGN_P384_SHA384: ['ES384'],
  // RFC 9864 gives the same signatures a second name
  EC_SIGN_ED25519: ['EdDSA', 'Ed25519'],
}

/** The names that JOSE has for an algorithm of Google Cloud KMS: none for most of them. */
export function findJwsAlgorithms(algorithm: string): readonly JwsAlgorithm[] {
  return Object.hasOwn(algorithms, algorithm) ? (algorithms[algorithm] ?? []) : []
}

/** What to do about a key that signs nothing of JOSE. */
export const misfitRemedy: string =
  'make a key with the purpose ASYMMETRIC_SIGN, and with EC_SIGN_P256_SHA256 or another algorithm ' +
  'that JOSE has'

/** Says of a key whose versions are all of other algorithms which they are, and what to do. */
export function describeMisfit(seen: readonly string[]): string {
  return `it is for ${[...new Set(seen)].join(', ')}: ${misfitRemedy}`
}
