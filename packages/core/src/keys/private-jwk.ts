/**
 * Private keys as JWK or JWK Set.
 *
 * @see RFC 7517, 4 and 5
 *
 * @module
 */

import { isObject } from '../base/objects.ts'
import { buildFault, type KeyMaterial, readInPlace, readPrivateKey } from './key-material.ts'
import type { KeyUse } from './key-purpose.ts'
import { readMoment } from './moment.ts'

/**
 * Reads a private JWK, or all keys of a private JWK Set that are for this use.
 *
 * @throws KeyError `ERR_KEY_UNAVAILABLE`
 */
export function readJwk<Alg extends string>(
  value: unknown,
  use: KeyUse<Alg>,
): readonly KeyMaterial<Alg>[] {
  if (!isObject(value)) throw buildFault('is JSON, but not a JWK')
  const { keys } = value
  if (keys === undefined) return [readOneJwk(value, use)]
  if (!Array.isArray(keys)) throw buildFault('is a JWK Set whose "keys" is not a list')
  const materials = keys.flatMap((jwk: unknown, index) => {
    if (isObject(jwk) && !use.isMeant(jwk, { isAmongOthers: true })) return []
    const place = `key ${index + 1} of the JWK Set`
    return [{ ...readInPlace(place, () => readOneJwk(jwk, use)), place }]
  })
  if (materials.length === 0) throw buildFault(`is a JWK Set without a key for ${use.activity}`)
  return materials
}

/** Says what a JWK or JWK Set is that is public in all its parts; `undefined` when it is not. */
export function describePublicJwk(value: unknown): string | undefined {
  if (!isObject(value)) return undefined
  if (isPublic(value)) return 'a public JWK'
  const { keys } = value
  const isPublicSet = Array.isArray(keys) && keys.length > 0 && keys.every(isPublic)
  return isPublicSet ? 'a public JWK Set' : undefined
}

function isPublic(jwk: unknown): boolean {
  if (!isObject(jwk) || 'd' in jwk) return false
  const { kty } = jwk
  return kty === 'RSA' || kty === 'EC' || kty === 'OKP'
}

/** What node:crypto needs besides "n", "e" and "d". @see RFC 7518, 6.3.2 */
const rsaMembers = ['p', 'q', 'dp', 'dq', 'qi']

function readOneJwk<Alg extends string>(jwk: unknown, use: KeyUse<Alg>): KeyMaterial<Alg> {
  if (!isObject(jwk)) throw buildFault('is not a JWK')
  const { kty, d, alg, kid, nbf, exp } = jwk
  if (kty === 'oct') {
    throw buildFault('is a symmetric JWK ("kty": "oct"), and a private key is needed')
  }
  if (kty !== 'RSA' && kty !== 'EC' && kty !== 'OKP') {
    throw buildFault('is not a JWK: its "kty" is none of RSA, EC and OKP')
  }
  if (d === undefined) {
    throw buildFault('is a public JWK (it has no "d"), and the private key is needed')
  }
  if (!use.isMeant(jwk, { isAmongOthers: false })) {
    throw buildFault(`is a JWK that is not for ${use.activity}, by its "use" or its "key_ops"`)
  }
  if (alg !== undefined && !use.isAlgorithm(alg)) {
    throw buildFault(`is a JWK whose "alg" is not a ${use.algorithmName} that is supported`)
  }
  const missing = kty === 'RSA' ? rsaMembers.filter((name) => !(name in jwk)) : []
  if (missing.length > 0) {
    const list = missing.map((name) => `"${name}"`).join(', ')
    throw buildFault(`is an RSA JWK without ${list}: export the key with all of its members`)
  }
  const key = readPrivateKey(
    { key: jwk, format: 'jwk' },
    `is a damaged JWK: its members are not those of a private key of type "${kty}"`,
  )
  const [notBefore, notAfter] = [readNumericDate('nbf', nbf), readNumericDate('exp', exp)]
  return { key, alg, kid: readKid(kid), notBefore, notAfter }
}

function readKid(kid: unknown): string | undefined {
  if (kid === undefined || (typeof kid === 'string' && kid !== '')) return kid
  throw buildFault('is a JWK whose "kid" is not a text')
}

function readNumericDate(name: string, value: unknown): number | undefined {
  if (value === undefined) return undefined
  const moment = typeof value === 'number' ? readMoment(value) : undefined
  if (moment !== undefined) return moment
  throw buildFault(`is a JWK whose "${name}" is not a NumericDate: a number, of seconds`)
}
