/**
 * Private keys that are read to sign.
 *
 * @module
 */

import type { AcceptedKeys } from './accepted-keys.ts'
import { isJwsAlgorithm, type JwsAlgorithm, jwsAlgorithms } from './algorithms.ts'
import { isKeyManagement } from './jwe-algorithms.ts'
import type { KeyPurpose } from './key-purpose.ts'
import { createTimedSigners } from './key-settings.ts'
import type { TimedSigner } from './signer.ts'
import { createStoreKeySource } from './store-key.ts'

/** Creates the purpose. `defaultRsaAlg` is for an RSA key that nothing names an algorithm for. */
export function createSigning(
  defaultRsaAlg: JwsAlgorithm,
  accepted?: AcceptedKeys,
): KeyPurpose<JwsAlgorithm, TimedSigner> {
  return {
    activity: 'signing',
    verb: 'sign',
    algorithmName: 'signature algorithm',
    algorithms: jwsAlgorithms,
    isAlgorithm: isJwsAlgorithm,
    usages: ['sign'],
    // What says nothing of its use is for signing
    isMeant: ({ use, alg, key_ops: operations }, { isAmongOthers }) =>
      use !== 'enc' &&
      (!Array.isArray(operations) || operations.includes('sign')) &&
      !(isAmongOthers && isKeyManagement(alg)),
    build: (materials, settings) =>
      createTimedSigners(materials, { ...settings, defaultRsaAlg, accepted }),
    identify: ({ signer }) => signer,
    createStoreSource: (scheme, place, settings) =>
      createStoreKeySource(scheme, place, { ...settings, defaultRsaAlg }),
  }
}
