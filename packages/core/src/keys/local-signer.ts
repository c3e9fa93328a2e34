/**
 * A signer whose private key is in this process.
 *
 * @module
 */

import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { promisify } from 'node:util'
import { KeyError } from '../errors.ts'
import { algorithms, type JwsAlgorithm } from './algorithms.ts'
import type { PublicJwk, Signer } from './signer.ts'

// With a callback they run in the thread pool, so that RSA never blocks the event loop
const signInPool = promisify(sign)
const verifyInPool = promisify(verify)

/** Creates a signer over a private key that fits `alg`. */
export function createLocalSigner({
  key,
  alg,
  kid,
}: {
  key: KeyObject
  alg: JwsAlgorithm
  kid?: string | undefined
}): Signer {
  const { digest, parameters } = algorithms[alg]
  const publicKey = createPublicKey(key)
  const publicJwk = buildPublicJwk(publicKey)
  const id = kid ?? calculateThumbprint(publicJwk)
  return {
    kid: id,
    hasExplicitKid: kid !== undefined,
    alg,
    publicJwk,
    async sign(data, { signal } = {}) {
      signal?.throwIfAborted()
      const signature = await signInPool(digest, data, { key, ...parameters })
      signal?.throwIfAborted()
      const verifier = { key: publicKey, ...parameters }
      if (await verifyInPool(digest, data, verifier, signature)) return signature
      throw new KeyError('ERR_SIGN', `the signature of key "${id}" does not verify`, { kid: id })
    },
  }
}

const publicMembers = ['kty', 'n', 'e', 'crv', 'x', 'y'] as const

/** Builds the public half of a key: its type's public members and nothing else. @see RFC 7518, 6 */
export function buildPublicJwk(key: KeyObject): PublicJwk {
  const jwk = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' })
  return Object.fromEntries(
    publicMembers.flatMap((name) => (jwk[name] === undefined ? [] : [[name, jwk[name]]])),
  ) as unknown as PublicJwk
}

const requiredMembers: Readonly<Record<PublicJwk['kty'], readonly (keyof PublicJwk)[]>> = {
  RSA: ['e', 'kty', 'n'],
  EC: ['crv', 'kty', 'x', 'y'],
  OKP: ['crv', 'kty', 'x'],
}

/** Calculates the SHA-256 thumbprint of a public key. @see RFC 7638, 3 @see RFC 8037, 2 */
export function calculateThumbprint(jwk: PublicJwk): string {
  const members = requiredMembers[jwk.kty].map((name) => [name, jwk[name]])
  return createHash('sha256')
    .update(JSON.stringify(Object.fromEntries(members)))
    .digest('base64url')
}
