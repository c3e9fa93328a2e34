/**
 * How large the RSA keys of a client are.
 *
 * @module
 */

import type { JWK } from 'jose'

/** Whether a key of so many bits will do. */
export type AcceptsSize = (bits: number) => boolean

/** Finds the size of an RSA key, in bits, that is not accepted. */
export function findWrongRsaSize(
  keys: readonly JWK[],
  isAccepted: AcceptsSize,
): number | undefined {
  return keys.flatMap((key) => readRsaSize(key) ?? []).find((size) => !isAccepted(size))
}

function readRsaSize({ kty, n }: JWK): number | undefined {
  if (kty !== 'RSA' || typeof n !== 'string') return undefined
  return BigInt(`0x0${Buffer.from(n, 'base64url').toString('hex')}`).toString(2).length
}
