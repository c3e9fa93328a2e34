/**
 * The versions of a key in a key store as signers.
 *
 * @module
 */

import {
  actInTime,
  buildPublicJwk,
  calculateThumbprint,
  describeKey,
  findMisfit,
  type JwsAlgorithm,
  KeyError,
  type Signer,
} from '@countersign/core/keys'
import type { LimitFunction } from 'p-limit'
import { callStore, deadline } from './call.ts'
import { buildStoreError } from './error.ts'
import { type Failure, type KeyStore, type KeyVersion, StoreFault } from './key-store.ts'

/** What is configured for the signers. */
export interface SignerSettings {
  readonly name: string
  readonly alg?: JwsAlgorithm | undefined
  readonly kid?: string | undefined
  /** For an RSA key that signs with several algorithms. Default: RS256. */
  readonly defaultRsaAlg?: JwsAlgorithm | undefined
}

/**
 * Creates the function that makes signers of the versions that fit, of which there must be one at least. A
 * version keeps its signer.
 */
export function createSigners(
  store: KeyStore,
  limit: LimitFunction,
  settings: SignerSettings,
): (versions: readonly KeyVersion[]) => ReadonlyMap<KeyVersion, Signer> {
  const { name, kid } = settings
  let made: ReadonlyMap<string, Signer> = new Map()

  function createSigner(version: KeyVersion): Signer {
    const alg = chooseAlg(version, settings)
    const publicJwk = buildPublicJwk(version.publicKey)
    const id = kid ?? calculateThumbprint(publicJwk)
    return {
      kid: id,
      hasExplicitKid: kid !== undefined,
      alg,
      publicJwk,
      async sign(data, { signal } = {}) {
        const sign = (until: AbortSignal) =>
          callStore({
            limit,
            signal: until,
            readFailure: (error) => readFailure(store, error),
            act: (stop) => store.sign(version, { alg, data, signal: stop }),
          })
        return await actInTime({ milliseconds: deadline, signal }, sign).catch((cause: unknown) => {
          if (signal?.aborted) {
            const reason = isTimeout(signal.reason) ? 'timeout' : undefined
            const message = `key "${id}" of ${name} was not let sign: it was aborted`
            throw new KeyError('ERR_SIGN', message, { kid: id, reason, cause: signal.reason })
          }
          const failure = readFailure(store, cause)
          throw buildStoreError({ code: 'ERR_SIGN', name, failure, kid: id, cause })
        })
      },
    }
  }

  /** One that does not fit, such as an RSA version under a P-256 key, is no reason to lose the others. */
  function readFitting(versions: readonly KeyVersion[]): Map<KeyVersion, Signer> {
    const signers = new Map<KeyVersion, Signer>()
    let misfit: unknown
    for (const version of versions) {
      try {
        signers.set(version, made.get(version.ref) ?? createSigner(version))
      } catch (error) {
        misfit ??= error
      }
    }
    if (signers.size === 0) throw misfit
    return signers
  }

  return (versions) => {
    const signers = readFitting(versions)
    if (kid !== undefined && signers.size > 1) {
      const message = `${name} has several versions, which cannot all be named by one "kid": name the version`
      throw new KeyError('ERR_KEY_UNAVAILABLE', message)
    }
    made = new Map([...signers].map(([{ ref }, signer]) => [ref, signer]))
    return signers
  }
}

/** Says what an error of a store means; what is its own and what is ours alike. */
export function readFailure(store: KeyStore, error: unknown): Failure | undefined {
  if (error instanceof StoreFault) return error
  if (isTimeout(error)) return { reason: 'timeout' }
  return store.readFailure(error)
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'TimeoutError'
}

function chooseAlg(version: KeyVersion, settings: SignerSettings): JwsAlgorithm {
  const { name, alg, defaultRsaAlg = 'RS256' } = settings
  const { publicKey, algs, ref } = version
  const usual = algs.includes(defaultRsaAlg) ? defaultRsaAlg : algs[0]
  const chosen = alg ?? usual
  const misfit = chosen === undefined ? undefined : findMisfit(publicKey, chosen)
  if (chosen !== undefined && algs.includes(chosen) && misfit === undefined) return chosen
  const fault =
    misfit ??
    `${describeKey(publicKey)} of ${ref} signs with ${algs.join(', ') || 'no algorithm of JOSE'} only`
  const message = `${name} cannot sign${chosen === undefined ? '' : ` with "${chosen}"`}: ${fault}`
  throw new KeyError('ERR_KEY_UNAVAILABLE', message, { reason: 'unsupported-algorithm' })
}
