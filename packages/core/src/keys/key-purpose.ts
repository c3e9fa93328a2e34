/**
 * What private keys are read for: to sign or to decrypt. The places and forms of keys know no more of
 * the difference than is here, so that both options take the same ones.
 *
 * @module
 */

import type { webcrypto } from 'node:crypto'
import type { KeyDeclaration, KeyMaterial } from './key-material.ts'
import type { KeySource, NamedKey } from './signer.ts'
import type { KeyPlace } from './store-key.ts'

/** How a key's own form must declare what it is for. */
export interface KeyUse<Alg extends string> {
  /** For messages. */
  readonly activity: 'signing' | 'decryption'
  readonly verb: 'sign' | 'decrypt'
  /** What an algorithm of this use is called. */
  readonly algorithmName: string
  readonly algorithms: readonly Alg[]
  isAlgorithm(name: unknown): name is Alg
  /** What a `CryptoKey` must be imported for: one of these. */
  readonly usages: readonly webcrypto.KeyUsage[]
  /**
   * Whether a JWK is for this use by what it says of itself, alone or among others in a JWK Set.
   *
   * @see RFC 7517, 4.2 and 4.3
   */
  isMeant(
    jwk: Readonly<Record<string, unknown>>,
    where: { readonly isAmongOthers: boolean },
  ): boolean
}

/** A use, and what is made of keys for it. */
export interface KeyPurpose<Alg extends string, Key> extends KeyUse<Alg> {
  /**
   * Makes keys that were read ready for use.
   *
   * @throws KeyError for a key that does not fit
   */
  build(materials: readonly KeyMaterial<Alg>[], settings: KeyDeclaration<Alg>): readonly Key[]
  /** How providers know a key. */
  identify(key: Key): NamedKey
  /**
   * Creates the source of keys in a key store.
   *
   * @throws KeyError where key stores do not do this
   */
  createStoreSource(scheme: string, place: KeyPlace, settings: KeyDeclaration<Alg>): KeySource<Key>
}
