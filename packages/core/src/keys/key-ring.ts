/**
 * The keys of one Relying Party over time: which one signs now, and which are published.
 *
 * It is a matter of time only, so every replica that reads the same keys switches at the same moment.
 *
 * @module
 */

import { waitUntilAborted } from '../base/abort.ts'
import type { Clock } from '../base/clock.ts'
import { KeyError } from '../errors.ts'
import { buildEventError, type Emit } from '../events.ts'
import { createKeyWatch } from './key-watch.ts'
import { calculateThumbprint, pickPublicMembers } from './public-jwk.ts'
import type { KeyRequest, KeySource, PublicJwk, Signer, TimedSigner } from './signer.ts'

/** How the current key is asked for. */
export interface CurrentKeyRequest {
  /** Whether the key that was current has just failed, so that the sources are asked anew. */
  readonly renew?: boolean | undefined
  /** Until when to wait for the sources, if that is sooner than they are given anyway. */
  readonly signal?: AbortSignal
}

/** The keys of one Relying Party. */
export interface KeyRing {
  /**
   * The newest key whose time has come and is not over.
   *
   * @throws KeyError `ERR_NO_KEY`, `ERR_KEY_UNAVAILABLE`
   */
  current(request?: CurrentKeyRequest): Promise<Signer>
  /**
   * Checks that there is a key to sign with, and asks for one until there was one.
   *
   * @throws KeyError
   */
  check(): Promise<void>
  /** The public half of every key that is not over, the next one included. */
  published(): Promise<readonly PublicJwk[]>
  close(): Promise<void>
}

/** How long the keys of one source are waited for. Milliseconds. */
const patience = 5_000
/** How much longer a key that may sign waits for sources that might have a newer one. Milliseconds. */
const grace = 1_000

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
  const watch = createKeyWatch(emit)
  let hasSigner = false

  async function ask(
    source: KeySource,
    { renew }: Pick<KeyRequest, 'renew'>,
    signal?: AbortSignal,
  ): Promise<readonly TimedSigner[]> {
    const report = (error: unknown) =>
      emit({ type: 'key.reload_failed', source: source.name, error: buildEventError(error) })
    try {
      const keys = await askInTime(source, { renew, report }, signal)
      failing.delete(source)
      return keys
    } catch (error) {
      const isNew = !failing.has(source)
      failing.add(source)
      if (isNew) report(error)
      if (error instanceof KeyError) throw error
      throw new KeyError('ERR_KEY_UNAVAILABLE', `${source.name} cannot be used`, { cause: error })
    }
  }

  /** The keys of all sources that answer; it takes all of them failing to fail. */
  async function readUnexpired(
    now: number,
    answers: readonly Promise<readonly TimedSigner[]>[],
  ): Promise<readonly TimedSigner[]> {
    const results = await Promise.allSettled(answers)
    const keys = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))
    const failure = results.find((result) => result.status === 'rejected')
    if (keys.length === 0 && failure) throw failure.reason
    const unexpired = keys.filter(({ notAfter = Number.POSITIVE_INFINITY }) => now < notAfter)
    // Of a source that does not answer nobody knows which keys are gone
    if (!failure) watch(unexpired, findCurrent(unexpired, now))
    return unexpired
  }

  const ring: KeyRing = {
    async current({ renew, signal } = {}) {
      const now = clock.now()
      const late = new AbortController()
      let timer: NodeJS.Timeout | undefined
      // Any key that may sign will do: the provider has all of them
      const hurry = (keys: readonly TimedSigner[]) => {
        if (findCurrent(keys, now)) timer ??= setTimeout(() => late.abort(), grace)
        return keys
      }
      const until = signal ? AbortSignal.any([signal, late.signal]) : late.signal
      const answers = sources.map((source) => ask(source, { renew }, until).then(hurry))
      const keys = await readUnexpired(now, answers).finally(() => clearTimeout(timer))
      const newest = findCurrent(keys, now)
      if (!newest) throw new KeyError('ERR_NO_KEY', describeNone(keys))
      hasSigner = true
      return newest.signer
    },
    async check() {
      if (!hasSigner) await ring.current()
    },
    async published() {
      const answers = sources.map((source) => ask(source, {}))
      const signers = (await readUnexpired(clock.now(), answers)).map(({ signer }) => signer)
      return mergeSame(signers.map(buildPublished))
    },
    async close() {
      await Promise.allSettled(sources.map(async (source) => source.close?.()))
    },
  }
  return ring
}

/** The newest key whose time has come; of two that begin together the one that was named first. */
function findCurrent(keys: readonly TimedSigner[], now: number): TimedSigner | undefined {
  return keys
    .filter(({ notBefore = 0 }) => notBefore <= now)
    .reduce<TimedSigner | undefined>(
      (best, key) => (best && (best.notBefore ?? 0) >= (key.notBefore ?? 0) ? best : key),
      undefined,
    )
}

/** A source that does not answer is not waited for. */
async function askInTime(
  source: KeySource,
  request: KeyRequest,
  signal: AbortSignal | undefined,
): Promise<readonly TimedSigner[]> {
  const late = new AbortController()
  const message = `${source.name} did not answer in time`
  const fault = new KeyError('ERR_KEY_UNAVAILABLE', message, { reason: 'timeout' })
  const giveUp = () => late.abort(fault)
  const timer = setTimeout(giveUp, patience)
  signal?.addEventListener('abort', giveUp, { once: true, signal: late.signal })
  if (signal?.aborted) giveUp()
  try {
    return await waitUntilAborted(source.keys(request), late.signal)
  } finally {
    clearTimeout(timer)
    late.abort()
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
