/**
 * A fresh client key for tests and demos: the private half for the app, the public half for the
 * provider.
 *
 * @module
 */

import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import type { JwsAlgorithm } from '@countersign/core'
import { calculateJwkThumbprint, type JWK } from 'jose'

// Off the main thread: an RSA key takes a tenth of a second.
const generate = promisify(generateKeyPair)

/** The algorithms that a generated key can be for. */
export type ClientKeyAlgorithm = JwsAlgorithm

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
  // Read anew: on Node 20 a key that is still its generator's can block when it is exported as a JWK
  const privateKeyPem = (await generatePrivateKey(alg))
    .export({ type: 'pkcs8', format: 'pem' })
    .toString()
  const privateKey = createPrivateKey(privateKeyPem)
  const bare = createPublicKey(privateKeyPem).export({ format: 'jwk' }) as JWK
  const kid = await calculateJwkThumbprint(bare)
  const publicJwk: JWK = { ...bare, kid, alg, use: 'sig' }
  return {
    alg,
    kid,
    privateKeyPem,
    privateJwk: { ...(privateKey.export({ format: 'jwk' }) as JWK), kid, alg },
    publicJwk,
    jwks: { keys: [publicJwk] },
  }
}

const curves = new Map([
  ['ES256', 'P-256'],
  ['ES384', 'P-384'],
  ['ES512', 'P-521'],
])
const rsa: readonly string[] = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']
const edwards: readonly string[] = ['EdDSA', 'Ed25519']

async function generatePrivateKey(alg: ClientKeyAlgorithm): Promise<KeyObject> {
  const namedCurve = curves.get(alg)
  if (namedCurve) return (await generate('ec', { namedCurve })).privateKey
  if (rsa.includes(alg)) return (await generate('rsa', { modulusLength: 2048 })).privateKey
  if (edwards.includes(alg)) return (await generate('ed25519', {})).privateKey
  const known = [...curves.keys(), ...rsa, ...edwards].join(', ')
  throw new TypeError(`"alg" must be one of ${known}, not "${alg}"`)
}
