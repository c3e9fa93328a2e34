/**
 * Questions about types, answered by the compiler.
 *
 * @module
 */

/** `true` when the two types are the same, `false` otherwise. */
export type Equals<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Compiles only for `true`. */
export type Expect<Answer extends true> = Answer
