/**
 * One name of a key: an alias that is given to another key when keys rotate, or the key itself.
 *
 * When the name is given away is only known by looking, which every replica does at a time of its own.
 *
 * @module
 */

import type { JwsAlgorithm } from '@countersign/core/keys'
import { type KeyStore, type KeyVersion, StoreFault } from '../store/key-store.ts'
import { readAwsFailure } from './failure.ts'
import type { AwsKeys } from './key.ts'

/**
 * Seconds for which the key that an alias stood for before is published. Other replicas sign with it
 * until they look, and what they have signed is on its way for some time.
 */
const overlap = 600

/** Creates what reads the key that the name stands for, and those that it stood for until lately. */
export function createOneNameReader(
  keys: AwsKeys,
  { name, alg }: { readonly name: string; readonly alg: JwsAlgorithm | undefined },
): KeyStore['readVersions'] {
  /** The key until it is over; nothing when it is gone already. */
  async function readRetired(version: KeyVersion, signal: AbortSignal): Promise<KeyVersion[]> {
    try {
      await keys.readKey(version.ref, signal)
    } catch (error) {
      const reason = readAwsFailure(error)?.reason
      if (reason === 'disabled' || reason === 'not-found') return []
    }
    return [version]
  }

  return async ({ known, signal }) => {
    const named = await keys.readKey(name, signal)
    if (known.size === 0) return [named]
    // Passed over, it would only be missed when the key before is over
    if (alg !== undefined && !named.algs.includes(alg)) {
      const fault = `${named.ref} does not sign with "${alg}"`
      throw new StoreFault(
        'unsupported-algorithm',
        fault,
        `${fault}: point the alias at another key`,
      )
    }
    const now = Math.floor(Date.now() / 1000)
    const others = [...known.values()].filter(({ ref }) => ref !== named.ref)
    const ending = others
      .map((version) => ({ ...version, notAfter: version.notAfter ?? now + overlap }))
      .filter(({ notAfter }) => now < notAfter)
    const retired = await Promise.all(ending.map((version) => readRetired(version, signal)))
    return [...retired.flat(), pickCurrent(named, known, now)]
  }
}

/**
 * The key that the name stands for now. One that it was given after another begins when that is seen,
 * and later than any other.
 */
function pickCurrent(
  named: KeyVersion,
  known: ReadonlyMap<string, KeyVersion>,
  now: number,
): KeyVersion {
  const last = known.get(named.ref)
  // One that ends was the current one before, and the name has come back to it
  if (last && last.notAfter === undefined) return last
  const begins = [...known.values()].map(({ notBefore = 0 }) => notBefore)
  return { ...named, notBefore: Math.max(now, ...begins.map((begin) => begin + 1)) }
}
