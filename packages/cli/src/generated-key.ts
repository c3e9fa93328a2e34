/**
 * A fresh client key, in the forms that apps and providers take.
 *
 * @module
 */

import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import type { JwsAlgorithm, Preset } from '@countersign/core'
import {
  algorithms,
  buildPublicJwk,
  calculateThumbprint,
  type PublicJwk,
} from '@countersign/core/keys'

const generate = promisify(generateKeyPair)

/** The sizes of an RSA key. More than the least costs time at every signature. */
export const rsaSizes: readonly number[] = [2048, 3072, 4096]

/** A client key. */
export interface GeneratedKey {
  readonly alg: JwsAlgorithm
  /** The thumbprint of the public key. @see RFC 7638, 3 */
  readonly kid: string
  readonly privateKey: KeyObject
  /** PKCS#8. */
  readonly privatePem: string
  readonly privateJwk: Readonly<Record<string, unknown>>
  readonly publicPem: string
  /** As an app publishes it. */
  readonly publicJwk: PublicJwk
}

/** Generates a client key. `bits` is for RSA. */
export async function generateKey(alg: JwsAlgorithm, bits = 2048): Promise<GeneratedKey> {
  const privatePem = await generatePem(alg, bits)
  // Read anew: on Node 20 a key that is still its generator's can block when it is exported as a JWK
  const privateKey = createPrivateKey(privatePem)
  const bare = buildPublicJwk(privateKey)
  const kid = calculateThumbprint(bare)
  const name = { kid, alg, use: 'sig' } as const
  return {
    alg,
    kid,
    privateKey,
    privatePem,
    privateJwk: { ...name, ...privateKey.export({ format: 'jwk' }) },
    publicPem: createPublicKey(privatePem).export({ type: 'spki', format: 'pem' }).toString(),
    // Providers differ between "EdDSA" and "Ed25519": for these keys the curve says enough
    publicJwk: { ...bare, kid, use: 'sig', ...(bare.kty === 'OKP' ? {} : { alg }) },
  }
}

/**
 * The private key as a JWK for a set. It has no name where the provider makes names up: one that the key
 * names itself would be sent, and nobody there knows it.
 */
export function buildNamedJwk(
  { privateJwk }: GeneratedKey,
  preset: Preset | undefined,
): Readonly<Record<string, unknown>> {
  if (preset?.assertion?.kid !== 'explicit') return privateJwk
  const { kid: _kid, ...unnamed } = privateJwk
  return unnamed
}

async function generatePem(alg: JwsAlgorithm, bits: number): Promise<string> {
  const { curve, keyTypes } = algorithms[alg]
  const { privateKey } = keyTypes.includes('rsa')
    ? await generate('rsa', { modulusLength: bits })
    : curve === undefined
      ? await generate('ed25519')
      : await generate('ec', { namedCurve: curve })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}
