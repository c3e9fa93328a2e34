/**
 * What AWS KMS calls the signature algorithms of JOSE.
 *
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html
 *
 * @module
 */

import type { SigningAlgorithmSpec } from '@aws-sdk/client-kms'
import { type JwsAlgorithm, jwsAlgorithms } from '@countersign/core/keys'

/**
 * The name of each in AWS KMS. PSS has a salt as long as the digest there. Ed25519 is `SHA_512`, which
 * is the signature's own; `ED25519_PH_SHA_512` would be another signature.
 */
export const signingAlgorithms: Readonly<Record<JwsAlgorithm, SigningAlgorithmSpec>> = {
  RS256: 'RSASSA_PKCS1_V1_5_SHA_256',
  RS384: 'RSASSA_PKCS1_V1_5_SHA_384',
  RS512: 'RSASSA_PKCS1_V1_5_SHA_512',
  PS256: 'RSASSA_PSS_SHA_256',
  PS384: 'RSASSA_PSS_SHA_384',
  PS512: 'RSASSA_PSS_SHA_512',
  ES256: 'ECDSA_SHA_256',
  ES384: 'ECDSA_SHA_384',
  ES512: 'ECDSA_SHA_512',
  EdDSA: 'ED25519_SHA_512',
  Ed25519: 'ED25519_SHA_512',
}

/** Reads what a key signs with; what JOSE has no name for is left out. */
export function readSigningAlgorithms(names: readonly string[]): readonly JwsAlgorithm[] {
  return jwsAlgorithms.filter((alg) => names.includes(signingAlgorithms[alg]))
}
