/**
 * A Relying Party taken apart, for tools that look at one before any End-User does: the command line,
 * and emulators of providers. Not for apps.
 *
 * @module
 */

import type { Options } from './options.ts'

export {
  type AssertionRule,
  assertionRules,
  type BrokenRule,
  findBrokenRules,
  readAudience,
  type SeenClientAssertion,
} from './provider/assertion-rules.ts'

/** What is to be done: see the interface that the command line was promised. */
export function inspect(_options: Options): never {
  throw new TypeError('not yet')
}
