/**
 * Keys that are what they were at the start.
 *
 * @module
 */

import type { KeySource, TimedSigner } from './signer.ts'

/** A key source on this machine, whose keys are known from the start. */
export interface LocalKeySource extends KeySource {
  /** The keys as they were last read; nothing is read for it. */
  lastRead(): readonly TimedSigner[]
}

/** Creates the source of keys that do not change. */
export function createStaticKeySource(name: string, keys: readonly TimedSigner[]): LocalKeySource {
  return { name, keys: () => Promise.resolve(keys), lastRead: () => keys }
}
