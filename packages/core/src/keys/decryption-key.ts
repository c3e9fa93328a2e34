/**
 * The option `idToken.decryptionKey` in all its forms: those of `clientKey`, but for what only signs.
 *
 * @module
 */

import type { KeyObject, webcrypto } from 'node:crypto'
import type { Emit } from '../events.ts'
import { isSignerOrSource, type PrivateJwk } from './client-key.ts'
import type { TimedDecrypter } from './decrypter.ts'
import { isJweAlgorithm, type JweAlgorithm, jweAlgorithms } from './jwe-algorithms.ts'
import { buildFault } from './key-material.ts'
import { type ReadKeys, readKeyOption } from './key-option.ts'
import type { KeyPurpose } from './key-purpose.ts'
import { createTimedDecrypters } from './local-decrypter.ts'

/** A private key that decrypts, or where it is. */
type DecryptionKeyInput =
  | string
  | KeyObject
  | webcrypto.CryptoKey
  | PrivateJwk
  | { readonly keys: readonly object[] }

/** A key that decrypts with what is to be said about it. */
interface DecryptionKeyEntry {
  readonly key: DecryptionKeyInput
  /**
   * The key management algorithm that it is bound to, and published with. Without it, it takes all that
   * fit the key and the provider has, and is published with the first: RSA-OAEP-256 or ECDH-ES+A256KW,
   * unless its preset says otherwise.
   */
  readonly alg?: JweAlgorithm
  readonly kid?: string
  /** Not published before: NumericDate, ISO 8601 or `Date`. */
  readonly notBefore?: number | string | Date
  /** Not published from then on, and two days later of no use: NumericDate, ISO 8601 or `Date`. */
  readonly notAfter?: number | string | Date
}

/** What the option `idToken.decryptionKey` may be. */
export type DecryptionKey =
  | DecryptionKeyInput
  | readonly (DecryptionKeyInput | DecryptionKeyEntry)[]

/** What a key is asked to do to decrypt. @see RFC 7517, 4.3 */
const operations = ['decrypt', 'unwrapKey', 'deriveKey', 'deriveBits'] as const

const decryption: Omit<KeyPurpose<JweAlgorithm, TimedDecrypter>, 'build'> = {
  activity: 'decryption',
  verb: 'decrypt',
  algorithmName: 'key management algorithm',
  algorithms: jweAlgorithms,
  isAlgorithm: isJweAlgorithm,
  usages: operations,
  isMeant({ kty, use, alg, key_ops: theirs }, { isAmongOthers }) {
    if (use === 'sig') return false
    if (Array.isArray(theirs) && !operations.some((name) => theirs.includes(name))) return false
    if (!isAmongOthers) return true
    // A JWK Set may hold keys for others than us, and the client key: what says nothing of its use
    if (kty !== 'RSA' && kty !== 'EC' && kty !== 'OKP') return false
    if (alg !== undefined) return isJweAlgorithm(alg)
    return use === 'enc' || Array.isArray(theirs)
  },
  identify: ({ decrypter }) => decrypter,
  createStoreSource(scheme) {
    throw buildFault(
      `"${scheme}:" names a key store, and decryption in a key store is not supported by this ` +
        'version: use file:./key.pem or env:NAME',
    )
  },
}

/** What reading the option takes. */
interface DecryptionKeyContext {
  readonly path: string
  /** The key management algorithms that the provider has, where that is known. */
  readonly accepted?: readonly string[] | undefined
  readonly emit: Emit
}

/** Reads the option. Files and variables are read now. */
export function readDecryptionKey(
  value: unknown,
  { path, accepted, emit }: DecryptionKeyContext,
): ReadKeys<TimedDecrypter> {
  return readKeyOption(value, {
    path,
    emit,
    purpose: {
      ...decryption,
      build: (materials, settings) => createTimedDecrypters(materials, { ...settings, accepted }),
    },
    createOwnSource(input) {
      if (!isSignerOrSource(input)) return undefined
      throw buildFault('is a Signer or a KeySource, which does not decrypt: give the private key')
    },
    forms: 'a URI (file:./key.pem, env:NAME), a PEM, a JWK, a JWK Set, a KeyObject or a CryptoKey',
  })
}
