/**
 * The public keys that a client registers: JWK Sets, where one is published, PEM texts, certificates.
 *
 * @module
 */

import { createHash, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'
import { calculateJwkThumbprint, type JWK } from 'jose'
import { findWrongRsaSize } from './rsa-sizes.ts'

/** A JWK Set as it is registered: public keys only. */
export interface RegisteredJwkSet {
  readonly keys: readonly JWK[]
}

/** One public key: PEM, JWK or `KeyObject`. */
export type RegisteredKey = string | JWK | KeyObject

/** The ways in which a client's keys may be given. */
export interface KeyMaterial {
  readonly jwks?: RegisteredJwkSet
  readonly publicKey?: RegisteredKey | readonly RegisteredKey[]
  readonly certificate?: string | readonly string[]
}

/** Milliseconds for the whole response. */
const fetchTimeout = 2500
/** The most bytes that a JWK Set may have. */
export const maxJwkSet: number = 256 * 1024

/** Reads the keys that are given as they are. Those of a PEM or a certificate have no `kid`. */
export function readKeys({ jwks, publicKey, certificate }: KeyMaterial): readonly JWK[] {
  if (jwks !== undefined) return checkKeys(jwks, '"jwks"')
  if (publicKey !== undefined) {
    return checkSizes(readList(publicKey).map(readPublicKey), '"publicKey"')
  }
  if (certificate === undefined) return []
  return checkSizes(readList(certificate).map(readCertificate), '"certificate"')
}

/** Gives each key a `kid`, which is its thumbprint unless it has one. */
export async function nameKeys(keys: readonly JWK[]): Promise<readonly JWK[]> {
  return Promise.all(
    keys.map(async (key) => ({ ...key, kid: key.kid ?? (await calculateJwkThumbprint(key)) })),
  )
}

/** Reads the JWK Set behind `url`. */
export async function fetchKeys(url: string): Promise<readonly JWK[]> {
  const signal = AbortSignal.timeout(fetchTimeout)
  const headers = { accept: 'application/json' }
  const response = await fetch(url, { headers, redirect: 'error', signal })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new Error(`${url} answered ${response.status}`)
  }
  return checkKeys(JSON.parse(await readText(response, url)), url)
}

async function readText(response: Response, url: string): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length
    if (size > maxJwkSet) throw new Error(`${url} answered more than ${maxJwkSet / 1024} kB`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function readList<T>(oneOrMore: T | readonly T[]): readonly T[] {
  return Array.isArray(oneOrMore) ? oneOrMore : [oneOrMore as T]
}

function readPublicKey(key: RegisteredKey): JWK {
  if (typeof key === 'string') return exportJwk(createPublicKey(key))
  // A `KeyObject` has a `type`, a JWK has a `kty`.
  if ('export' in key && typeof key.export === 'function') {
    const keyObject = key as KeyObject
    return exportJwk(keyObject.type === 'private' ? createPublicKey(keyObject) : keyObject)
  }
  const jwk = key as JWK
  if (jwk.d === undefined) return jwk
  throw new TypeError('"publicKey" is a private JWK; register only its public members')
}

/** @see RFC 7517, 4.7–4.9 */
function readCertificate(pem: string): JWK {
  const { publicKey, raw } = parseCertificate(pem)
  return {
    ...exportJwk(publicKey),
    x5c: [raw.toString('base64')],
    x5t: createHash('sha1').update(raw).digest('base64url'),
    'x5t#S256': createHash('sha256').update(raw).digest('base64url'),
  }
}

function parseCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (cause) {
    throw new TypeError('"certificate" is not an X.509 certificate as PEM', { cause })
  }
}

function exportJwk(key: KeyObject): JWK {
  return key.export({ format: 'jwk' }) as JWK
}

/** Smaller keys verify nothing: the signature would seem to be the fault. @see RFC 7518, 3.3 */
function checkSizes(keys: readonly JWK[], where: string): readonly JWK[] {
  const size = findWrongRsaSize(keys, (bits) => bits >= 2048)
  if (size === undefined) return keys
  throw new TypeError(
    `${where} has an RSA key of ${size} bits, and 2048 is the least (RFC 7518, 3.3)`,
  )
}

/** Accepts a JWK Set of public keys with distinct `kid`s. */
function checkKeys(untrustedSet: unknown, where: string): readonly JWK[] {
  const keys = (untrustedSet as { keys?: unknown } | null)?.keys
  if (!Array.isArray(keys)) throw new Error(`${where} is not a JWK Set`)
  const kids = new Set<unknown>()
  for (const key of keys as readonly JWK[]) {
    if (key.d !== undefined || key.k !== undefined) {
      throw new Error(`${where} holds private key material`)
    }
    if (key.kid !== undefined && kids.has(key.kid)) throw new Error(`${where} repeats a kid`)
    kids.add(key.kid)
  }
  return checkSizes(keys as readonly JWK[], where)
}
