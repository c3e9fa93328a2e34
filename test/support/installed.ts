/**
 * Suites that need what this machine may not have: they are skipped and say why. With CI=true they run,
 * and fail, instead of being skipped.
 *
 * @module
 */

import { describe } from 'vitest'

/** Why tests cannot run here that need what is missing, if anything is. */
export function explainSkip(missing: readonly string[]): string | undefined {
  if (missing.length === 0 || process.env['CI'] === 'true') return undefined
  return `skipped: install ${missing.join(' and ')}`
}

/** A suite's name, and why it is skipped. */
export function titleOf(name: string, skipReason: string | undefined): string {
  return skipReason === undefined ? name : `${name} (${skipReason})`
}

/** `describe`, unless there is a reason to skip the suite. */
export function describeUnless(
  skipReason: string | undefined,
): (name: string, suite: () => void) => void {
  return (name, suite) =>
    void describe.skipIf(skipReason !== undefined)(titleOf(name, skipReason), suite)
}

/** `describe.each`, which skips those that have a reason for it. */
export function describeEach<Kind extends { readonly skipReason?: string | undefined }>(
  kinds: readonly Kind[],
): (name: string, suite: (kind: Kind) => void, timeout?: number) => void {
  return (name, suite, timeout) => {
    for (const kind of kinds) {
      const { skipReason } = kind
      const describeKind = describe.skipIf(skipReason !== undefined).each([kind])
      describeKind(titleOf(name, skipReason), suite, timeout)
    }
  }
}
