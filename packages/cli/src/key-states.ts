/**
 * Which key of a set does what, at any moment. The rule is the one of the core's key ring: of all keys
 * whose time has come and is not over, the one whose time came last signs.
 *
 * @module
 */

import type { SetKey } from './key-set.ts'

/**
 * What a key does: `signs`; `next` waits, and is published; `published` has signed, or is a spare one;
 * `retired` is past its end; `decrypts` is not for signing.
 */
export type KeyState = 'signs' | 'next' | 'published' | 'retired' | 'decrypts'

/** The key that signs at a moment; of two that begin together the one that is first in the set. */
export function findSigner(keys: readonly SetKey[], moment: number): SetKey | undefined {
  return keys
    .filter((key) => key.alg !== undefined && !isOver(key, moment))
    .filter(({ notBefore = 0 }) => notBefore <= moment)
    .reduce<SetKey | undefined>(
      (best, key) => (best && (best.notBefore ?? 0) >= (key.notBefore ?? 0) ? best : key),
      undefined,
    )
}

/** What a key of a set does at a moment. */
export function findState(keys: readonly SetKey[], key: SetKey, moment: number): KeyState {
  if (key.alg === undefined) return 'decrypts'
  if (isOver(key, moment)) return 'retired'
  if ((key.notBefore ?? 0) > moment) return 'next'
  return findSigner(keys, moment) === key ? 'signs' : 'published'
}

/** Whether a key's time is over. */
export function isOver({ notAfter = Number.POSITIVE_INFINITY }: SetKey, moment: number): boolean {
  return notAfter <= moment
}

/** Something that happens to the keys of a set. */
export interface KeyEvent {
  /** NumericDate. */
  readonly moment: number
  readonly kid: string
  readonly type: 'switch' | 'retire'
}

/** What will happen, in its order. */
export function findEvents(keys: readonly SetKey[], now: number): readonly KeyEvent[] {
  const signing = keys.filter(({ alg }) => alg !== undefined)
  const moments = signing
    .flatMap(({ notBefore, notAfter }) => [notBefore, notAfter])
    .filter((moment) => moment !== undefined)
    .filter((moment) => moment > now)
  let current = findSigner(signing, now)
  return [...new Set(moments)]
    .sort((a, b) => a - b)
    .flatMap((moment) => {
      const next = findSigner(signing, moment)
      const isSwitch = next !== undefined && next !== current
      current = next
      const retired = signing.filter(({ notAfter }) => notAfter === moment)
      return [
        ...(isSwitch ? [{ moment, kid: next.kid, type: 'switch' } as const] : []),
        ...retired.map(({ kid }) => ({ moment, kid, type: 'retire' }) as const),
      ]
    })
}

/** From when on no key signs; `undefined` when one always will. */
export function findGap(keys: readonly SetKey[], now: number): number | undefined {
  return findEvents(keys, now).find(({ moment }) => findSigner(keys, moment) === undefined)?.moment
}
