/**
 * The keys of one Relying Party over time: which one signs now, and which are published.
 *
 * It is a matter of time only, so every replica that reads the same keys switches at the same moment.
 *
 * @module
 */

import type { Clock } from '../base/clock.ts'
import { KeyError } from '../errors.ts'
import type { Emit } from '../events.ts'
import type { AcceptedKeys } from './accepted-keys.ts'
import { createKeySources, type KeysAnswer, type KeysRequest } from './key-sources.ts'
import { createKeyWatch } from './key-watch.ts'
import { mergeSame, pickPublicMembers } from './public-jwk.ts'
import type { KeySource, PublicJwk, Signer, TimedSigner } from './signer.ts'

/** How the current key is asked for. */
export interface CurrentKeyRequest {
  /** The key that was current and has just failed: the sources are asked anew, for any other one. */
  readonly instead?: Signer | undefined
  /** Until when to wait for the sources, if that is sooner than they are given anyway. */
  readonly signal?: AbortSignal
}

/** The keys of one Relying Party. */
export interface KeyRing {
  /**
   * The newest key whose time has come and is not over.
   *
   * @throws KeyError `ERR_NO_KEY`, `ERR_KEY_UNAVAILABLE`, `ERR_SIGN` for one that the provider does not
   *   accept
   */
  current(request?: CurrentKeyRequest): Promise<Signer>
  /**
   * Checks that there is a key to sign with, and asks for one until there was one.
   *
   * @throws KeyError
   */
  check(): Promise<void>
  /**
   * The public half of every key that is not over, the next one included.
   *
   * @throws KeyError when one may be missing that signs now, be it in another replica: who looks for it
   *   keeps the set that it has for an error, and forgets keys for a set without them
   */
  published(): Promise<readonly PublicJwk[]>
  close(): Promise<void>
}

/** Seconds by which the clock of a key store that has ended a key may be ahead of ours. */
const clockTolerance = 60

/** Creates a key ring over any sources. */
export function createKeyRing({
  sources,
  accepted,
  clock,
  emit,
}: {
  sources: readonly KeySource[]
  /** What the provider accepts, where that is known. */
  accepted?: AcceptedKeys | undefined
  clock: Clock
  emit: Emit
}): KeyRing {
  const all = createKeySources(sources, emit)
  const watch = createKeyWatch(emit)
  let hasSigner = false

  /** The keys, and the moment of the answer: whoever waited for it may have crossed a rotation. */
  async function readUnexpired(
    request?: KeysRequest<TimedSigner>,
  ): Promise<KeysAnswer<TimedSigner> & { readonly now: number }> {
    const { keys, failures } = await all.read(request)
    const now = clock.now()
    const unexpired = keys.filter(({ notAfter = Number.POSITIVE_INFINITY }) => now < notAfter)
    // Of a source that does not answer nobody knows which keys are gone
    if (failures.length === 0) watch(unexpired, findCurrent(unexpired, now))
    return { keys: unexpired, failures, now }
  }

  const ring: KeyRing = {
    async current({ instead, signal } = {}) {
      const pick = (keys: readonly TimedSigner[], now: number) => {
        if (instead === undefined) return findCurrent(keys, now)
        const others = keys.filter(({ signer }) => signer.kid !== instead.kid)
        return findCurrent(others, now) ?? findCurrent(others, now + clockTolerance)
      }
      // Any key that may sign will do: the provider has all of them
      const isEnough = (keys: readonly TimedSigner[]) => pick(keys, clock.now()) !== undefined
      const renew = instead !== undefined
      const { keys, now } = await readUnexpired({ renew, signal, isEnough })
      const newest = pick(keys, now)
      if (!newest) throw new KeyError('ERR_NO_KEY', describeNone(keys))
      checkAccepted(newest.signer, accepted)
      hasSigner = true
      return newest.signer
    },
    async check() {
      if (!hasSigner) await ring.current()
    },
    async published() {
      const { keys, failures, now } = await readUnexpired()
      const failure = failures.find(({ source: { notBefore = 0 } }) => notBefore <= now)
      if (failure) throw failure.error
      return mergeSame(keys.map(({ signer }) => buildPublished(signer)))
    },
    close: all.close,
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

/** Of a key in a key store nobody knows what it is before it is asked for. */
function checkAccepted(signer: Signer, accepted: AcceptedKeys | undefined): void {
  const fault = accepted?.findFault(signer)
  if (fault === undefined) return
  const { kid } = signer
  throw new KeyError('ERR_SIGN', `the key "${kid}" ${fault}`, {
    kid,
    reason: 'unsupported-algorithm',
  })
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
