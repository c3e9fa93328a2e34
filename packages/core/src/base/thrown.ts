/**
 * What was thrown, as an error.
 *
 * @module
 */

/**
 * Anything may be thrown, also nothing at all. Frameworks take `undefined`, `''` or `'route'` from a
 * guard for a word to go on: a guard that fails must not let pass.
 */
export function toError(thrown: unknown): object {
  if (typeof thrown === 'object' && thrown !== null) return thrown
  return new Error('a function of the app threw something that is no error', { cause: thrown })
}
