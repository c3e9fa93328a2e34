/**
 * The decryption keys of one Relying Party over time: which are published, and which decrypt.
 *
 * The provider chooses among what it has of our JWK Set, maybe of yesterday's. So a key decrypts for
 * longer than it is published, at both ends: at once, before anybody can have chosen it, and for a day
 * after it was last published.
 *
 * @module
 */

import { waitUntilAborted } from '../base/abort.ts'
import type { Clock } from '../base/clock.ts'
import { KeyError } from '../errors.ts'
import { buildEventError, type Emit } from '../events.ts'
import type { Decrypter, TimedDecrypter } from './decrypter.ts'
import { calculateThumbprint, pickPublicMembers } from './public-jwk.ts'
import type { KeySource, PublicJwk } from './signer.ts'

/** The decryption keys of one Relying Party. */
export interface DecryptionRing {
  /**
   * Every key that decrypts now, those that are published first.
   *
   * @throws KeyError `ERR_NO_KEY`, `ERR_KEY_UNAVAILABLE`
   */
  usable(): Promise<readonly Decrypter[]>
  /** The public half of every key that a provider may choose now. */
  published(): Promise<readonly PublicJwk[]>
  close(): Promise<void>
}

/** Seconds for which a key decrypts after its `notAfter`: for providers that keep our JWK Set. */
export const decryptionGrace = 86_400

/** How long the keys of one source are waited for. Milliseconds. */
const patience = 5_000

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
  async function ask(source: KeySource<TimedDecrypter>): Promise<readonly TimedDecrypter[]> {
    const report = (error: unknown) =>
      emit({ type: 'key.reload_failed', source: source.name, error: buildEventError(error) })
    try {
      return await waitUntilAborted(source.keys({ report }), AbortSignal.timeout(patience))
    } catch (error) {
      report(error)
      if (error instanceof KeyError) throw error
      throw new KeyError('ERR_KEY_UNAVAILABLE', `${source.name} cannot be used`, { cause: error })
    }
  }

  /** The keys of all sources that answer; it takes all of them failing to fail. */
  async function readAll(): Promise<readonly TimedDecrypter[]> {
    const results = await Promise.allSettled(sources.map(ask))
    const keys = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))
    const failure = results.find((result) => result.status === 'rejected')
    if (keys.length === 0 && failure) throw failure.reason
    return keys
  }

  return {
    async usable() {
      const now = clock.now()
      const keys = (await readAll()).filter(
        ({ notAfter = Number.POSITIVE_INFINITY }) => now < notAfter + decryptionGrace,
      )
      const [current, others] = [true, false].map((wanted) =>
        keys.filter((key) => isPublished(key, now) === wanted),
      )
      const decrypters = [...(current ?? []), ...(others ?? [])].map(({ decrypter }) => decrypter)
      if (decrypters.length > 0) return decrypters
      throw new KeyError(
        'ERR_NO_KEY',
        'no key may decrypt: there is none, or all are more than a day past their "notAfter"',
      )
    },
    async published() {
      const now = clock.now()
      const keys = (await readAll()).filter((key) => isPublished(key, now))
      const jwks = keys.map(({ decrypter }) => buildPublished(decrypter))
      // A key that is there twice is published once
      return [
        ...new Map(jwks.map((jwk) => [`${jwk.kid} ${calculateThumbprint(jwk)}`, jwk])).values(),
      ]
    },
    async close() {
      await Promise.allSettled(sources.map(async (source) => source.close?.()))
    },
  }
}

function isPublished(
  { notBefore = 0, notAfter = Number.POSITIVE_INFINITY }: TimedDecrypter,
  now: number,
): boolean {
  return notBefore <= now && now < notAfter
}

/** A key that nothing names an algorithm for is published without one: the provider has its own. */
function buildPublished({ publicJwk, kid, alg }: Decrypter): PublicJwk {
  return { ...pickPublicMembers(publicJwk), kid, use: 'enc', ...(alg && { alg }) }
}
