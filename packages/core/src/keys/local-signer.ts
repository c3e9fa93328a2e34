/**
 * A signer whose private key is in this process.
 *
 * @module
 */

import { type KeyObject, sign } from 'node:crypto'
import { promisify } from 'node:util'
import { KeyError } from '../errors.ts'
import { algorithms, type JwsAlgorithm } from './algorithms.ts'
import { buildPublicJwk, calculateThumbprint } from './public-jwk.ts'
import type { Signer } from './signer.ts'

// With a callback it runs in the thread pool, so that RSA never blocks the event loop
const signInPool = promisify(sign)

/**
 * Creates a signer over a private key that fits `alg`. That a signature verifies is checked by whoever
 * sends it (`signJws`), for signers of all kinds alike.
 */
export function createLocalSigner({
  key,
  alg,
  kid,
}: {
  key: KeyObject
  alg: JwsAlgorithm
  kid?: string | undefined
}): Signer {
  const { digest, parameters, isLight } = algorithms[alg]
  const publicJwk = buildPublicJwk(key)
  const id = kid ?? calculateThumbprint(publicJwk)
  const checkNotAborted = (signal: AbortSignal | undefined) => {
    if (!signal?.aborted) return
    const options = { kid: id, cause: signal.reason }
    throw new KeyError('ERR_SIGN', `key "${id}" was not let sign: it was aborted`, options)
  }
  return {
    kid: id,
    hasExplicitKid: kid !== undefined,
    alg,
    publicJwk,
    async sign(data, { signal } = {}) {
      checkNotAborted(signal)
      if (isLight.sign) return sign(digest, data, { key, ...parameters })
      const signature = await signInPool(digest, data, { key, ...parameters })
      checkNotAborted(signal)
      return signature
    },
  }
}
