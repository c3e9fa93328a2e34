/**
 * What a provider demands of the keys that sign client assertions, where that is known.
 *
 * @module
 */

import type { JwsAlgorithm } from './algorithms.ts'
import type { Signer } from './signer.ts'

/** The keys that a provider accepts. */
export interface AcceptedKeys {
  /** For an RSA key that nothing names an algorithm for. */
  readonly defaultRsaAlg: JwsAlgorithm
  /** What is wrong with a key, as a sentence without its subject; `undefined` when it is accepted. */
  findFault(key: Pick<Signer, 'alg' | 'hasExplicitKid'>): string | undefined
}
