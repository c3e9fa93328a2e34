/**
 * A key of Azure Key Vault as the version of a key: its public half, and what it signs with.
 *
 * @see https://learn.microsoft.com/azure/key-vault/keys/about-keys-details
 *
 * @module
 */

import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import type { KeyProperties, KeyVaultKey } from '@azure/keyvault-keys'
import type { JwsAlgorithm } from '@countersign/core/keys'
import { type KeyVersion, StoreFault } from '../store/key-store.ts'

const rsaAlgs = ['RS256', 'PS256', 'RS384', 'PS384', 'RS512', 'PS512'] as const

const ecAlgs: Readonly<Record<string, readonly JwsAlgorithm[]>> = {
  'P-256': ['ES256'],
  'P-384': ['ES384'],
  'P-521': ['ES512'],
}

/** Reads a key into a version of the name `ref`. */
export function readKeyVersion(ref: string, { key, properties }: KeyVaultKey): KeyVersion {
  const { kty, crv, n, e, x, y, keyOps } = key ?? {}
  if (keyOps && !keyOps.includes('sign')) {
    const remedy = 'its permitted operations are without "sign": add it'
    throw new StoreFault('unsupported-algorithm', `${ref} is not for signing`, remedy)
  }
  // "RSA-HSM" and "EC-HSM" say where the private half is, which changes nothing here
  const type = kty?.replace(/-HSM$/, '')
  if (type === 'RSA') {
    const publicKey = readJwk(ref, { kty: type, n: encode(n), e: encode(e) })
    return { ref, publicKey, algs: rsaAlgs, ...readTimes(properties) }
  }
  const algs = type === 'EC' ? ecAlgs[`${crv}`] : undefined
  if (algs) {
    const publicKey = readJwk(ref, { kty: 'EC', crv: `${crv}`, x: encode(x), y: encode(y) })
    return { ref, publicKey, algs, ...readTimes(properties) }
  }
  const found = [kty, crv].filter(Boolean).join(' ')
  const remedy = `it is of type ${found}: take an RSA key, or one of P-256, P-384 or P-521`
  throw new StoreFault('unsupported-algorithm', `${ref} is of type ${found}`, remedy)
}

/** Reads when a version was made, begins and ends. */
export function readTimes({
  createdOn,
  notBefore,
  expiresOn,
}: KeyProperties): Pick<KeyVersion, 'createdAt' | 'notBefore' | 'notAfter'> {
  return {
    createdAt: readTime(createdOn),
    notBefore: readTime(notBefore),
    notAfter: readTime(expiresOn),
  }
}

/** What a client has for a moment that the vault gives as 0 or null is no date. */
function readTime(moment: unknown): number | undefined {
  return moment instanceof Date ? moment.getTime() / 1000 : undefined
}

function readJwk(ref: string, jwk: JsonWebKey): KeyObject {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' })
  } catch {
    const message = `the public half of ${ref} cannot be read`
    throw new StoreFault('unsupported-algorithm', message, 'it is of a type that is not known here')
  }
}

function encode(octets: Uint8Array | undefined): string {
  return Buffer.from(octets ?? []).toString('base64url')
}
