/**
 * Keys that are what they were at the start.
 *
 * @module
 */

import type { KeySource, TimedSigner } from './signer.ts'

/** A key source on this machine, whose keys are known from the start. */
export interface LocalKeySource<Key = TimedSigner> extends KeySource<Key> {
  /** The keys as they were last read; nothing is read for it. */
  lastRead(): readonly Key[]
}

/** Creates the source of keys that do not change. */
export function createStaticKeySource<Key>(
  name: string,
  keys: readonly Key[],
): LocalKeySource<Key> {
  return { name, keys: () => Promise.resolve(keys), lastRead: () => keys }
}
