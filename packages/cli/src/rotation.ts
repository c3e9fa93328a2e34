/**
 * The next key of a set: it waits, then signs, and the one before it is retired after that.
 *
 * @module
 */

import { buildDuration, describeMoment } from './duration.ts'
import { CommandError } from './failure.ts'
import { addKey, type KeySet, type PrivateJwk, type SetKey } from './key-set.ts'
import { findSigner, findState, isOver } from './key-states.ts'

/** Seconds for which a key that is over is kept: one that decrypts does so for two days more. */
const keptFor = 2 * 86_400

/** When what happens. NumericDates. */
export interface RotationTimes {
  readonly now: number
  /** From when on the new key signs. */
  readonly start: number
  /** Until when the old one is published. */
  readonly end: number
}

/** What a rotation comes to. */
export interface Rotation {
  readonly set: KeySet
  readonly retired: readonly SetKey[]
  readonly pruned: readonly SetKey[]
}

/** The key whose place the next one takes: the one that signs just before that. */
export function findPredecessor({ keys }: KeySet, { now, start }: RotationTimes): SetKey {
  const current = findSigner(keys, now)
  if (!current) {
    throw new CommandError(
      'no key of this set signs now, so that there is none to take over from: "countersign keygen ' +
        '--set" adds one that signs at once',
    )
  }
  return findSigner(keys, start - 1) ?? current
}

/**
 * Checks that a set can be rotated.
 *
 * @throws CommandError when a key is waiting already, or when none would sign for some time
 */
export function checkRotatable(set: KeySet, times: RotationTimes): void {
  const { now, start } = times
  const waiting = set.keys.find((key) => findState(set.keys, key, now) === 'next')
  if (waiting) {
    const moment = waiting.notBefore ?? now
    throw new CommandError(
      `the key ${waiting.kid} is waiting already, and signs from ${describeMoment(moment)} on: ` +
        '--force adds another one',
    )
  }
  const { kid, notAfter } = findPredecessor(set, times)
  if (notAfter === undefined || notAfter >= start) return
  throw new CommandError(
    `the key ${kid} ends at ${describeMoment(notAfter)}, and nobody could sign from then until the ` +
      `next one begins: --in ${buildDuration(notAfter - now)} or less, or --force, which moves ` +
      'that end',
  )
}

/** Adds the next key to a set, and gives those that it takes over from their end. */
export function buildRotation(
  set: KeySet,
  jwk: PrivateJwk,
  times: RotationTimes & { readonly isPruned: boolean },
): Rotation {
  const { now, start, end, isPruned } = times
  const predecessor = findPredecessor(set, times)
  const isPassed = (key: SetKey) =>
    key.alg !== undefined && !isOver(key, now) && (key.notBefore ?? 0) < start
  const needsEnd = (key: SetKey) => {
    const { notAfter = Number.POSITIVE_INFINITY } = key
    return isPassed(key) && (notAfter > end || (key === predecessor && notAfter < start))
  }
  const pruned = isPruned
    ? set.keys.filter(({ notAfter = Number.POSITIVE_INFINITY }) => notAfter <= now - keptFor)
    : []
  const kept = set.keys.filter((key) => !pruned.includes(key))
  const keys = kept.map((key) =>
    needsEnd(key) ? { ...key, jwk: { ...key.jwk, exp: end }, notAfter: end } : key,
  )
  return {
    set: addKey({ others: set.others, keys }, { ...jwk, nbf: start }),
    retired: keys.filter((key) => isPassed(key)),
    pruned,
  }
}
