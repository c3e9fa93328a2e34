/**
 * Algorithms of Google Cloud KMS, and what keys of theirs are like.
 *
 * @see https://cloud.google.com/kms/docs/algorithms
 *
 * @module
 */

import type { JwsAlgorithm } from '@countersign/core/keys'

interface KeyAlgorithm {
  readonly purpose: string
  /** What it is called in JOSE. */
  readonly alg?: JwsAlgorithm
  /** The digest that it signs; without one it signs the data. */
  readonly hash?: 'sha256' | 'sha384' | 'sha512'
  readonly bits?: number
  readonly curve?: string
}

/** The names of the algorithms. */
export type AlgorithmName = keyof typeof table

const purpose = 'ASYMMETRIC_SIGN'

const table = {
  RSA_SIGN_PKCS1_2048_SHA256: { purpose, alg: 'RS256', hash: 'sha256', bits: 2048 },
  RSA_SIGN_PKCS1_4096_SHA512: { purpose, alg: 'RS512', hash: 'sha512', bits: 4096 },
  RSA_SIGN_PSS_2048_SHA256: { purpose, alg: 'PS256', hash: 'sha256', bits: 2048 },
  RSA_SIGN_PSS_4096_SHA512: { purpose, alg: 'PS512', hash: 'sha512', bits: 4096 },
  EC_SIGN_P256_SHA256: { purpose, alg: 'ES256', hash: 'sha256', curve: 'prime256v1' },
  EC_SIGN_P384_SHA384: { purpose, alg: 'ES384', hash: 'sha384', curve: 'secp384r1' },
  EC_SIGN_ED25519: { purpose, alg: 'EdDSA', curve: 'ed25519' },
  // These are none of JOSE
  EC_SIGN_SECP256K1_SHA256: { purpose, hash: 'sha256', curve: 'secp256k1' },
  RSA_SIGN_RAW_PKCS1_2048: { purpose, bits: 2048 },
  RSA_DECRYPT_OAEP_2048_SHA256: { purpose: 'ASYMMETRIC_DECRYPT', bits: 2048 },
  GOOGLE_SYMMETRIC_ENCRYPTION: { purpose: 'ENCRYPT_DECRYPT' },
} as const satisfies Readonly<Record<string, KeyAlgorithm>>

/** The table. */
export const algorithms: Readonly<Record<AlgorithmName, KeyAlgorithm>> = table

/** The algorithm whose name in JOSE is this. */
export function findAlgorithm(alg: JwsAlgorithm): AlgorithmName {
  const names: Partial<Record<JwsAlgorithm, AlgorithmName>> = {
    RS256: 'RSA_SIGN_PKCS1_2048_SHA256',
    RS512: 'RSA_SIGN_PKCS1_4096_SHA512',
    PS256: 'RSA_SIGN_PSS_2048_SHA256',
    PS512: 'RSA_SIGN_PSS_4096_SHA512',
    ES256: 'EC_SIGN_P256_SHA256',
    ES384: 'EC_SIGN_P384_SHA384',
    EdDSA: 'EC_SIGN_ED25519',
    Ed25519: 'EC_SIGN_ED25519',
  }
  const name = names[alg]
  if (name === undefined) throw new TypeError(`there are no keys for ${alg}`)
  return name
}
