/**
 * A key of Vault's Transit engine, as its versions and its signatures are written.
 *
 * @see https://developer.hashicorp.com/vault/api-docs/secret/transit
 *
 * @module
 */

import { createHash, createPublicKey, type KeyObject } from 'node:crypto'
import { algorithms, type JwsAlgorithm } from '@countersign/core/keys'
import { type KeyVersion, type SignRequest, StoreFault } from '../store/key-store.ts'
import { isObject } from './client.ts'

type Json = Readonly<Record<string, unknown>>

/** A version of a key, and its number. */
export interface VaultKeyVersion extends KeyVersion {
  readonly number: number
}

const rsa: readonly JwsAlgorithm[] = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']

/** What signs with keys of each type, as far as JOSE has an algorithm for it. */
const keyTypes: Readonly<Record<string, readonly JwsAlgorithm[]>> = {
  'rsa-2048': rsa,
  'rsa-3072': rsa,
  'rsa-4096': rsa,
  'ecdsa-p256': ['ES256'],
  'ecdsa-p384': ['ES384'],
  'ecdsa-p521': ['ES512'],
  ed25519: ['EdDSA', 'Ed25519'],
}

/**
 * Reads the versions that may sign, the oldest first; or the one that is named.
 *
 * @throws StoreFault
 */
export function readKey(answer: Json, place: string, only?: number): readonly VaultKeyVersion[] {
  const data = isObject(answer['data']) ? answer['data'] : {}
  const type = typeof data['type'] === 'string' ? data['type'] : 'unknown'
  const algs = Object.hasOwn(keyTypes, type) ? keyTypes[type] : undefined
  if (!algs || data['supports_signing'] === false) {
    const remedy = `it is of the type ${type}: make one of ${Object.keys(keyTypes).join(', ')}`
    throw new StoreFault('unsupported-algorithm', remedy, remedy)
  }
  if (data['derived'] === true) {
    const remedy = 'it is a derived key, which is another one in each context: make one that is not'
    throw new StoreFault('unsupported-algorithm', remedy, remedy)
  }
  if (data['soft_deleted'] === true) {
    throw new StoreFault('disabled', 'the key is soft-deleted', 'restore it, or name another key')
  }
  const least =
    typeof data['min_encryption_version'] === 'number' ? data['min_encryption_version'] : 0
  const keys = isObject(data['keys']) ? data['keys'] : {}
  const numbers = Object.keys(keys).map(Number).filter(Number.isSafeInteger)
  const found = only === undefined ? numbers : numbers.filter((number) => number === only)
  if (only !== undefined && found.length === 0) {
    const remedy = `it has no version ${only}, or no longer: it has ${numbers.join(', ') || 'none'}`
    throw new StoreFault('not-found', remedy, remedy)
  }
  const enabled = found.filter((number) => number >= least).toSorted((a, b) => a - b)
  if (enabled.length === 0) {
    const remedy = `"min_encryption_version" of the key is ${least}: name a later version, or none`
    throw new StoreFault('disabled', remedy, remedy)
  }
  return enabled.map((number) => readVersion(number, keys[`${number}`], algs, place))
}

function readVersion(
  number: number,
  value: unknown,
  algs: readonly JwsAlgorithm[],
  place: string,
): VaultKeyVersion {
  const { public_key: publicKey, creation_time: made } = isObject(value) ? value : {}
  const createdAt = typeof made === 'string' ? Math.floor(Date.parse(made) / 1000) : Number.NaN
  return {
    // A key that was removed and made again begins at 1 again: the time tells them apart
    ref: `${place}:v${number}${typeof made === 'string' ? ` of ${made.slice(0, 40)}` : ''}`,
    number,
    publicKey: readPublicKey(publicKey, number),
    algs,
    ...(createdAt > 0 ? { createdAt } : {}),
  }
}

/** Of Ed25519 it is the bare point in base64; else PEM. */
function readPublicKey(text: unknown, number: number): KeyObject {
  try {
    if (typeof text !== 'string') throw new TypeError('no text')
    if (text.includes('-----BEGIN')) return createPublicKey(text)
    const x = Buffer.from(text, 'base64').toString('base64url')
    return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  } catch {
    const remedy = `Vault gives no public key of version ${number} that can be read`
    throw new StoreFault('unsupported-algorithm', remedy, remedy)
  }
}

const hashes: Readonly<Record<string, string>> = {
  sha256: 'sha2-256',
  sha384: 'sha2-384',
  sha512: 'sha2-512',
}

/**
 * Builds the request to sign. Of its parameters none is left to Vault: by default it hashes with
 * SHA-256, signs by PSS with the longest salt, and writes DER.
 */
export function buildSignBody(
  { number }: VaultKeyVersion,
  { alg, data }: Pick<SignRequest, 'alg' | 'data'>,
): Json {
  const body = { key_version: number, marshaling_algorithm: 'jws' }
  const { digest } = algorithms[alg]
  if (digest === null) return { ...body, input: Buffer.from(data).toString('base64') }
  const padding = alg.startsWith('PS')
    ? { signature_algorithm: 'pss', salt_length: 'hash' }
    : { signature_algorithm: 'pkcs1v15' }
  return {
    ...body,
    input: createHash(digest).update(data).digest('base64'),
    prehashed: true,
    hash_algorithm: hashes[digest],
    ...(alg.startsWith('ES') ? {} : padding),
  }
}

/**
 * Reads the answer to a request to sign.
 *
 * @throws StoreFault `bad-signature` when another version has signed
 */
export function readSignature(answer: Json, { number }: VaultKeyVersion): Uint8Array {
  const data = isObject(answer['data']) ? answer['data'] : {}
  const { signature, key_version: used = number } = data
  const [, version, value] =
    typeof signature === 'string' ? (/^vault:v(\d+):([\w-]+)$/.exec(signature) ?? []) : []
  if (version === undefined || value === undefined) {
    throw new StoreFault('bad-signature', 'Vault answered without a signature in the form of JWA')
  }
  if (Number(version) !== number || used !== number) {
    throw new StoreFault('bad-signature', `Vault signed with version ${version}, not ${number}`)
  }
  return Buffer.from(value, 'base64url')
}
