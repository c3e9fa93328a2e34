/**
 * What a promise fails with.
 *
 * @module
 */

import { KeyError } from '@countersign/core/keys'

/** Waits for an error of ours. Any other is thrown on. */
export async function findError(promise: Promise<unknown>): Promise<KeyError> {
  const error = await promise.then(
    () => new TypeError('it did not fail'),
    (reason: unknown) => reason,
  )
  if (!(error instanceof KeyError)) throw error
  return error
}
