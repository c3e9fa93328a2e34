/**
 * Keys that an app decrypts with, in the forms that apps, providers and attackers have of them.
 *
 * @module
 */

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { CompactEncrypt, type CompactJWEHeaderParameters, type JWK } from 'jose'

/** A key pair for encryption. */
export interface EncryptionKey {
  readonly privateKey: KeyObject
  /** PKCS#8. */
  readonly pem: string
  readonly jwk: JWK
}

/** Generates a key pair: RSA with 2048 bits, or an elliptic curve. */
export function generateEncryptionKey(type: 'RSA' | 'P-256'): EncryptionKey {
  const pair =
    type === 'RSA'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: type })
  const pem = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  // Read anew: on Node 20 a key that is still its generator's can block when it is exported as a JWK
  const privateKey = createPrivateKey(pem)
  return { privateKey, pem, jwk: privateKey.export({ format: 'jwk' }) as JWK }
}

/** Encrypts a text for the owner of a key, as everybody can who has the JWK Set. */
export async function encrypt(
  text: string,
  { privateKey }: Pick<EncryptionKey, 'privateKey'>,
  header: CompactJWEHeaderParameters = { alg: 'ECDH-ES+A256KW', enc: 'A256GCM' },
): Promise<string> {
  return await new CompactEncrypt(new TextEncoder().encode(text))
    .setProtectedHeader(header)
    .encrypt(createPublicKey(privateKey))
}
