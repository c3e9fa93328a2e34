/**
 * What goes wrong with keys, as tests look at it.
 *
 * @module
 */

import { KeyError } from '@countersign/core/keys'

/** Waits for an error about a key. Any other is thrown on. */
export async function findError(promise: Promise<unknown>): Promise<KeyError> {
  const error = await promise.then(
    () => new TypeError('it did not fail'),
    (reason: unknown) => reason,
  )
  if (!(error instanceof KeyError)) throw error
  return error
}

/** All that a logger would see of an error. */
export function describeAll(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const own = Object.getOwnPropertyNames(error).map((name) => String(Reflect.get(error, name)))
  return [...own, describeAll(error.cause)].join('\n')
}
