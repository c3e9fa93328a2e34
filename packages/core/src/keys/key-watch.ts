/**
 * The steps of a rotation, told as they happen: publish, switch, retire.
 *
 * @module
 */

import type { Emit } from '../events.ts'
import type { TimedSigner } from './signer.ts'

/** Looks at the keys that are published now, and at the one that signs. */
export type KeyWatch = (published: readonly TimedSigner[], current: TimedSigner | undefined) => void

/** Creates a watch. What it sees first is where it starts from, and no event. */
export function createKeyWatch(emit: Emit): KeyWatch {
  let known: ReadonlySet<string> | undefined
  let signing: string | undefined
  return (published, current) => {
    const kids = new Set(published.map(({ signer }) => signer.kid))
    const before = known
    known = kids
    if (before) {
      for (const { signer, notBefore } of published) {
        const { kid, alg } = signer
        if (!before.has(kid)) emit({ type: 'key.published', kid, alg, notBefore })
      }
    }
    const kid = current?.signer.kid
    const previous = signing
    signing = kid ?? previous
    if (kid !== undefined && previous !== undefined && kid !== previous) {
      emit({ type: 'key.switched', kid, previous })
    }
    for (const old of before ?? []) if (!kids.has(old)) emit({ type: 'key.retired', kid: old })
  }
}
