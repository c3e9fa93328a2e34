/**
 * Several names of a key: those of its versions, each of which is a key in AWS KMS.
 *
 * When each was made is what AWS KMS says, so all replicas come to the same timeline, whenever they look.
 *
 * @module
 */

import { type KeyStore, type KeyVersion, StoreFault } from '../store/key-store.ts'
import { readAwsFailure } from './failure.ts'
import type { AwsKeys } from './key.ts'

/** Creates what reads the keys that the names stand for. */
export function createSeveralNamesReader(
  { readKey, describeKey }: AwsKeys,
  names: readonly string[],
): KeyStore['readVersions'] {
  return async ({ known, signal }) => {
    async function readVersion(name: string): Promise<KeyVersion> {
      const { ref, createdAt } = await describeKey(name, signal)
      return known.get(ref) ?? { ...(await readKey(ref, signal)), createdAt }
    }
    const results = await Promise.allSettled(names.map(readVersion))
    const versions = results.flatMap((result) =>
      result.status === 'fulfilled' ? [[result.value.ref, result.value] as const] : [],
    )
    const faults = results.flatMap((result) =>
      result.status === 'rejected' ? [result.reason] : [],
    )
    const fault = faults.find((error) => versions.length === 0 || !isAbsence(error))
    if (fault !== undefined) throw fault
    return [...new Map(versions).values()]
  }
}

/** Whether a name stands for no key that signs: one that is not there yet, or not any more. */
function isAbsence(error: unknown): boolean {
  const { reason } = (error instanceof StoreFault ? error : readAwsFailure(error)) ?? {}
  return reason === 'not-found' || reason === 'disabled' || reason === 'unsupported-algorithm'
}
