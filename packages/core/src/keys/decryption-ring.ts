/**
 * The decryption keys of one Relying Party over time: which are published, and which decrypt.
 *
 * The provider chooses among what it has of our JWK Set, maybe of yesterday's. So a key decrypts for
 * longer than it is published, at both ends: at once, before anybody can have chosen it, and for two days
 * after it was last published.
 *
 * @module
 */

import type { Clock } from '../base/clock.ts'
import { KeyError } from '../errors.ts'
import type { Emit } from '../events.ts'
import type { Decrypter, TimedDecrypter } from './decrypter.ts'
import { createKeySources } from './key-sources.ts'
import { mergeSame, pickPublicMembers } from './public-jwk.ts'
import type { KeySource, PublicJwk } from './signer.ts'

/** The decryption keys of one Relying Party. */
export interface DecryptionRing {
  /**
   * Every key that decrypts now, those that are published first.
   *
   * @throws KeyError `ERR_NO_KEY`, `ERR_KEY_UNAVAILABLE`
   */
  usable(): Promise<readonly Decrypter[]>
  /**
   * The public half of every key that a provider may choose now. Where there is none, it is that of the
   * one that begins first: it decrypts already, and without any key all logins would fail there.
   */
  published(): Promise<readonly PublicJwk[]>
  close(): Promise<void>
}

/**
 * Seconds for which a key decrypts after its `notAfter`: a day for which a provider may keep our JWK Set,
 * and another for its clock, for our own `max-age`, and for keeping it a little longer.
 */
const grace = 2 * 86_400

/** Creates a ring over any sources. */
export function createDecryptionRing({
  sources,
  clock,
  emit,
}: {
  sources: readonly KeySource<TimedDecrypter>[]
  clock: Clock
  emit: Emit
}): DecryptionRing {
  const all = createKeySources(sources, emit)

  return {
    async usable() {
      const now = clock.now()
      const { keys } = await all.read()
      const usable = keys.filter((key) => now < endOf(key) + grace)
      if (usable.length === 0) {
        throw new KeyError(
          'ERR_NO_KEY',
          'no key may decrypt: there is none, or all are more than two days past their "notAfter"',
        )
      }
      const published = pickPublished(usable, now)
      const others = usable.filter((key) => !published.includes(key))
      return [...published, ...others].map(({ decrypter }) => decrypter)
    },
    async published() {
      const { keys } = await all.read()
      const published = pickPublished(keys, clock.now())
      return mergeSame(published.map(({ decrypter }) => buildPublished(decrypter)))
    },
    close: all.close,
  }
}

/** The keys that a provider may choose. */
function pickPublished(keys: readonly TimedDecrypter[], now: number): readonly TimedDecrypter[] {
  const alive = keys.filter((key) => now < endOf(key))
  const earliest = Math.min(...alive.map(beginningOf))
  return alive.filter((key) => beginningOf(key) <= Math.max(now, earliest))
}

const beginningOf = ({ notBefore = 0 }: TimedDecrypter): number => notBefore
const endOf = ({ notAfter = Number.POSITIVE_INFINITY }: TimedDecrypter): number => notAfter

/** A provider may need an algorithm to choose a key by: the first, though the key takes all of them. */
function buildPublished({ publicJwk, kid, algs: [alg] }: Decrypter): PublicJwk {
  // A source of somebody else's may hand out more than belongs here
  return { ...pickPublicMembers(publicJwk), kid, use: 'enc', ...(alg && { alg }) }
}
