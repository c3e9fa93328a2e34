/**
 * A fresh client key for tests and demos: the private half for the app, the public half for the
 * provider.
 *
 * @module
 */

import { generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { calculateJwkThumbprint, type JWK } from 'jose'

// Off the main thread: an RSA key takes a tenth of a second.
const generate = promisify(generateKeyPair)

/** The algorithms that a generated key can be for. */
export type ClientKeyAlgorithm = 'ES256' | 'ES384' | 'ES512' | 'RS256' | 'PS256' | 'EdDSA'

/** A key pair in the forms that apps and providers take. */
export interface GeneratedClientKey {
  readonly alg: ClientKeyAlgorithm
  /** RFC 7638 thumbprint of the public key. */
  readonly kid: string
  /** PKCS#8 PEM, for `clientKey`. */
  readonly privateKeyPem: string
  /** The private key as a JWK, with `kid` and `alg`. */
  readonly privateJwk: JWK
  /** The public key, with `kid`, `alg` and `use`. */
  readonly publicJwk: JWK
  /** A JWK Set with the public key, to register at a provider. */
  readonly jwks: { readonly keys: readonly JWK[] }
}

/**
 * Generates a key pair for `private_key_jwt`.
 *
 * @example
 * const { privateKeyPem, jwks } = await generateClientKey()
 *
 * @param alg Default `ES256`. RSA keys have 2048 bits.
 */
export async function generateClientKey(
  alg: ClientKeyAlgorithm = 'ES256',
): Promise<GeneratedClientKey> {
  const { privateKey, publicKey } = await generatePair(alg)
  const bare = publicKey.export({ format: 'jwk' }) as JWK
  const kid = await calculateJwkThumbprint(bare)
  const publicJwk: JWK = { ...bare, kid, alg, use: 'sig' }
  return {
    alg,
    kid,
    privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    privateJwk: { ...(privateKey.export({ format: 'jwk' }) as JWK), kid, alg },
    publicJwk,
    jwks: { keys: [publicJwk] },
  }
}

async function generatePair(
  alg: ClientKeyAlgorithm,
): Promise<{ privateKey: KeyObject; publicKey: KeyObject }> {
  switch (alg) {
    case 'RS256':
    case 'PS256':
      return generate('rsa', { modulusLength: 2048 })
    case 'EdDSA':
      return generate('ed25519', {})
    case 'ES256':
      return generate('ec', { namedCurve: 'P-256' })
    case 'ES384':
      return generate('ec', { namedCurve: 'P-384' })
    case 'ES512':
      return generate('ec', { namedCurve: 'P-521' })
    default:
      throw new TypeError(`"alg" must be ES256, ES384, ES512, RS256, PS256 or EdDSA, not "${alg}"`)
  }
}
