/**
 * The public half of a key, as a JWK.
 *
 * @module
 */

import { createHash, createPublicKey, type KeyObject } from 'node:crypto'
import { buildFault } from './key-material.ts'
import type { PublicJwk } from './signer.ts'

/** Builds the public half of a key: its type's public members and nothing else. @see RFC 7518, 6 */
export function buildPublicJwk(key: KeyObject): PublicJwk {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  // A copy, since Node 20 can wait for itself for ever when a key that was generated in this process is
  // exported as a JWK: a garbage collection in the middle ends the generator, which has the same lock
  const copy =
    publicKey.asymmetricKeyType === 'rsa-pss'
      ? buildPlainRsa(spki)
      : createPublicKey({ key: spki, format: 'der', type: 'spki' })
  return pickPublicMembers(copy.export({ format: 'jwk' }))
}

/**
 * Picks the members that make a public key, and leaves everything else of the JWK behind.
 *
 * @throws KeyError when one of them is missing
 */
export function pickPublicMembers(
  jwk: { readonly [Name in keyof PublicJwk]?: unknown },
): PublicJwk {
  const { kty, n, e, crv, x, y } = jwk
  // In the order that RFC 7638, 3.3 demands of a thumbprint
  if (kty === 'RSA' && isText(e) && isText(n)) return { e, kty, n }
  if (kty === 'EC' && isText(crv) && isText(x) && isText(y)) return { crv, kty, x, y }
  if (kty === 'OKP' && isText(crv) && isText(x)) return { crv, kty, x }
  throw buildFault('has a public half that is not a public JWK')
}

/** Calculates the SHA-256 thumbprint of a public key. @see RFC 7638, 3 @see RFC 8037, 2 */
export function calculateThumbprint(jwk: PublicJwk): string {
  return createHash('sha256')
    .update(JSON.stringify(pickPublicMembers(jwk)))
    .digest('base64url')
}

/** The names that providers may know a key by: its `kid`, and its thumbprint. */
export function listNames(jwk: PublicJwk): readonly string[] {
  const thumbprint = calculateThumbprint(jwk)
  return [jwk.kid ?? thumbprint, thumbprint]
}

/** One JWK for each key and name. A key that is there with several algorithms has none. */
export function mergeSame(jwks: readonly PublicJwk[]): readonly PublicJwk[] {
  const merged = new Map<string, PublicJwk>()
  for (const jwk of jwks) {
    const id = JSON.stringify([jwk.kid, calculateThumbprint(jwk)])
    const { alg, ...others } = merged.get(id) ?? jwk
    merged.set(id, alg === jwk.alg ? jwk : others)
  }
  return [...merged.values()]
}

/**
 * node:crypto writes no JWK of an id-RSASSA-PSS key. Its numbers are those of any RSA key, and they are
 * what the BIT STRING of the SubjectPublicKeyInfo holds.
 *
 * @see RFC 5280, 4.1
 */
function buildPlainRsa(spki: Buffer): KeyObject {
  const algorithm = readElement(spki, readElement(spki, 0).start)
  const bits = readElement(spki, algorithm.end)
  // The first octet of a BIT STRING counts the bits to leave out: none
  return createPublicKey({ key: spki.subarray(bits.start + 1), format: 'der', type: 'pkcs1' })
}

/** Where the content of a DER element is. */
function readElement(
  der: Buffer,
  offset: number,
): { readonly start: number; readonly end: number } {
  const first = der.readUInt8(offset + 1)
  const octets = first < 0x80 ? 0 : first - 0x80
  const start = offset + 2 + octets
  return { start, end: start + (octets === 0 ? first : der.readUIntBE(offset + 2, octets)) }
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}
