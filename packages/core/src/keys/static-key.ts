/**
 * Keys that are what they were at the start.
 *
 * @module
 */

import type { KeySource, TimedSigner } from './signer.ts'

/** Creates the source of keys that do not change. */
export function createStaticKeySource(name: string, keys: readonly TimedSigner[]): KeySource {
  return { name, keys: () => Promise.resolve(keys) }
}
