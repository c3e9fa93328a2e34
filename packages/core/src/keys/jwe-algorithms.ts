/**
 * The algorithms of encrypted tokens: how the key of the content travels, and how the content is
 * encrypted. Nothing else enumerates them.
 *
 * What is left out is left out on purpose: RSA1_5 is broken by whoever can watch decryption fail (RFC
 * 8725, 3.2), and whoever knows the key of `dir`, `A*KW` and `PBES2-*` could have made the token.
 *
 * @see RFC 7518, 4.1 and 5.1
 *
 * @module
 */

import type { KeyObject } from 'node:crypto'
import { describeKey } from './algorithms.ts'

/** A key management algorithm that a decryption key may be for. */
export type JweAlgorithm =
  | 'RSA-OAEP'
  | 'RSA-OAEP-256'
  | 'ECDH-ES'
  | 'ECDH-ES+A128KW'
  | 'ECDH-ES+A256KW'

const rsa = ['rsa']
const agreement = ['ec', 'x25519']

/** The key types that each takes, in the order of preference. */
const keyTypes: Readonly<Record<JweAlgorithm, readonly string[]>> = {
  'RSA-OAEP-256': rsa,
  'RSA-OAEP': rsa,
  'ECDH-ES+A256KW': agreement,
  'ECDH-ES+A128KW': agreement,
  'ECDH-ES': agreement,
}

/** The curves of RFC 7518, 6.2.1.1 as node:crypto names them. */
const curves = ['prime256v1', 'secp384r1', 'secp521r1']

/** RFC 7518, 4.3: a key of 2048 bits or larger MUST be used. */
const minModulus = 2048

/** The names of all key management algorithms. */
export const jweAlgorithms: readonly JweAlgorithm[] = Object.keys(keyTypes).filter(isJweAlgorithm)

/** Whether this is the name of a key management algorithm that a decryption key may be for. */
export function isJweAlgorithm(name: unknown): name is JweAlgorithm {
  return typeof name === 'string' && Object.hasOwn(keyTypes, name)
}

/** Whether this is the name of any key management algorithm, accepted or not. @see RFC 7518, 4.1 */
export function isKeyManagement(alg: unknown): boolean {
  return typeof alg === 'string' && /^(RSA1_5|RSA-OAEP|ECDH-ES|A\d+(GCM)?KW|dir|PBES2)/.test(alg)
}

/** The content encryption algorithms that are accepted. */
export const contentEncryptionAlgorithms: readonly string[] = [
  'A128GCM',
  'A256GCM',
  'A128CBC-HS256',
  'A256CBC-HS512',
]

/** The key management algorithms that a key fits, or why it fits none. */
export function findJweAlgorithms(key: KeyObject): readonly JweAlgorithm[] | { misfit: string } {
  const { asymmetricKeyType: type = 'unknown', asymmetricKeyDetails: details } = key
  const fitting = jweAlgorithms.filter((alg) => keyTypes[alg].includes(type))
  const isOtherCurve = type === 'ec' && !curves.includes(details?.namedCurve ?? '')
  if (fitting.length === 0 || isOtherCurve) {
    return {
      misfit:
        `is a key of type ${describeKey(key)}, which cannot decrypt: use RSA, P-256, P-384, P-521 ` +
        'or X25519',
    }
  }
  const bits = details?.modulusLength
  if (bits !== undefined && bits < minModulus) {
    return {
      misfit: `is an RSA key of ${bits} bits, and ${minModulus} is the least: make a new one`,
    }
  }
  return fitting
}
