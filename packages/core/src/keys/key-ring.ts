/**
 * The keys of one Relying Party over time: which one signs now, and which are published.
 *
 * It is a matter of time only, so every replica that reads the same keys switches at the same moment.
 *
 * @module
 */

import type { Clock } from '../base/clock.ts'
import { KeyError } from '../errors.ts'
import { buildEventError, type Emit } from '../events.ts'
import { calculateThumbprint, pickPublicMembers } from './public-jwk.ts'
import type { KeySource, PublicJwk, Signer, TimedSigner } from './signer.ts'

/** The keys of one Relying Party. */
export interface KeyRing {
  /**
   * The newest key whose time has come and is not over.
   *
   * @throws KeyError `ERR_NO_KEY`, `ERR_KEY_UNAVAILABLE`
   */
  current(): Promise<Signer>
  /** The public half of every key that is not over, the next one included. */
  published(): Promise<readonly PublicJwk[]>
  close(): Promise<void>
}

/** How long the keys of one source are waited for. Milliseconds. */
const patience = 5_000

/** Creates a key ring over any sources. */
export function createKeyRing({
  sources,
  clock,
  emit,
}: {
  sources: readonly KeySource[]
  clock: Clock
  emit: Emit
}): KeyRing {
  /** The sources that failed when they were last asked. */
  const failing = new Set<KeySource>()

  async function ask(source: KeySource): Promise<readonly TimedSigner[]> {
    try {
      const keys = await askInTime(source)
      failing.delete(source)
      return keys
    } catch (error) {
      const isNew = !failing.has(source)
      failing.add(source)
      const { name } = source
      if (isNew) emit({ type: 'key.reload_failed', source: name, error: buildEventError(error) })
      if (error instanceof KeyError) throw error
      throw new KeyError('ERR_KEY_UNAVAILABLE', `${name} cannot be used`, { cause: error })
    }
  }

  /** The keys of all sources that answer; it takes all of them failing to fail. */
  async function read(): Promise<readonly TimedSigner[]> {
    const results = await Promise.allSettled(sources.map(ask))
    const keys = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))
    const failure = results.find((result) => result.status === 'rejected')
    if (keys.length === 0 && failure) throw failure.reason
    return keys
  }

  async function readUnexpired(now: number): Promise<readonly TimedSigner[]> {
    return (await read()).filter(({ notAfter = Number.POSITIVE_INFINITY }) => now < notAfter)
  }

  return {
    async current() {
      const now = clock.now()
      const keys = await readUnexpired(now)
      const begun = keys.filter(({ notBefore = 0 }) => notBefore <= now)
      const newest = begun.reduce<TimedSigner | undefined>(
        (best, key) => (best && (best.notBefore ?? 0) >= (key.notBefore ?? 0) ? best : key),
        undefined,
      )
      if (newest) return newest.signer
      throw new KeyError('ERR_NO_KEY', describeNone(keys))
    },
    async published() {
      const signers = (await readUnexpired(clock.now())).map(({ signer }) => signer)
      return mergeSame(signers.map(buildPublished))
    },
    async close() {
      await Promise.allSettled(sources.map(async (source) => source.close?.()))
    },
  }
}

/** A source that does not answer is not waited for. */
async function askInTime(source: KeySource): Promise<readonly TimedSigner[]> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const message = `${source.name} did not answer within ${patience / 1000} s`
    timer = setTimeout(() => reject(new KeyError('ERR_KEY_UNAVAILABLE', message)), patience)
  })
  try {
    return await Promise.race([source.keys(), late])
  } finally {
    clearTimeout(timer)
  }
}

function describeNone(next: readonly TimedSigner[]): string {
  if (next.length === 0) return 'no key may sign: there is none, or all are past their "notAfter"'
  const first = Math.min(...next.map(({ notBefore = 0 }) => notBefore))
  return `no key may sign yet: the first one from ${describeMoment(first)} on`
}

/** The largest `Date`. @see ECMA-262, 21.4.1.1 */
const maxMoment = 8.64e12

function describeMoment(moment: number): string {
  return Math.abs(moment) <= maxMoment ? new Date(moment * 1000).toISOString() : String(moment)
}

function buildPublished({ publicJwk, kid, alg }: Signer): PublicJwk {
  // Providers differ between "EdDSA" and "Ed25519": for these keys the curve says enough
  const name = publicJwk.kty === 'OKP' ? {} : { alg }
  // A source of somebody else's may hand out more than belongs here
  return { ...pickPublicMembers(publicJwk), kid, use: 'sig', ...name }
}

/** One JWK for each key and name. A key that signs with several algorithms is published without one. */
function mergeSame(jwks: readonly PublicJwk[]): readonly PublicJwk[] {
  const merged = new Map<string, PublicJwk>()
  for (const jwk of jwks) {
    const id = JSON.stringify([jwk.kid, calculateThumbprint(jwk)])
    const { alg, ...others } = merged.get(id) ?? jwk
    merged.set(id, alg === jwk.alg ? jwk : others)
  }
  return [...merged.values()]
}
