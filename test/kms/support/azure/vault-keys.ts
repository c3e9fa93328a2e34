/**
 * The keys in an emulated Azure Key Vault, and what may be done with each of their versions.
 *
 * @see https://learn.microsoft.com/azure/key-vault/keys/about-keys-details
 *
 * @module
 */

import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  randomBytes,
} from 'node:crypto'
import { isJwsAlgorithm } from '@countersign/core/keys'
import { findDigestLength, signDigest } from '../digest-signature.ts'

/** What kinds of keys a vault makes. */
export type VaultKeyType = 'RSA' | 'RSA-HSM' | 'P-256' | 'P-384' | 'P-521' | 'P-256K' | 'oct-HSM'

/** One version of a key. What is not readonly, an owner may set. */
export interface VaultKeyVersion {
  readonly id: string
  readonly type: VaultKeyType
  readonly privateKey: KeyObject | undefined
  readonly created: number
  enabled: boolean
  nbf?: number
  exp?: number
  keyOps: readonly string[]
}

/** An answer of the vault other than success. */
export class VaultError extends Error {
  readonly status: number
  readonly code: string
  readonly inner: string | undefined

  constructor(status: number, code: string, message: string, inner?: string) {
    super(message)
    this.status = status
    this.code = code
    this.inner = inner
  }
}

const curves: Readonly<Record<string, string>> = {
  'P-256': 'prime256v1',
  'P-384': 'secp384r1',
  'P-521': 'secp521r1',
  'P-256K': 'secp256k1',
}

const ecAlgs: Readonly<Record<string, string>> = {
  'P-256': 'ES256',
  'P-384': 'ES384',
  'P-521': 'ES512',
}

/** Makes a version. A version that is made after another one of its key is newer by a second at least. */
export function generateVersion(type: VaultKeyType, after = 0): VaultKeyVersion {
  return {
    id: randomBytes(16).toString('hex'),
    type,
    privateKey: generateKey(type),
    created: Math.max(now(), after + 1),
    enabled: true,
    keyOps: ['sign', 'verify'],
  }
}

function generateKey(type: VaultKeyType): KeyObject | undefined {
  if (type === 'oct-HSM') return undefined
  const namedCurve = curves[type]
  const { privateKey } = namedCurve
    ? generateKeyPairSync('ec', { namedCurve })
    : generateKeyPairSync('rsa', { modulusLength: 2048 })
  // Read again: Node 20 may wait for ever to export a key as a JWK that it has just generated
  return createPrivateKey(`${privateKey.export({ type: 'pkcs8', format: 'pem' })}`)
}

/** The public half as the vault gives it. */
export function describeVersion({ type, privateKey, keyOps }: VaultKeyVersion): object {
  const { kty, crv, ...members } = privateKey ? readPublicJwk(privateKey) : { kty: type }
  const curve = crv === undefined ? {} : { crv: type }
  return { kty: type === 'RSA-HSM' ? type : kty, key_ops: keyOps, ...curve, ...members }
}

function readPublicJwk(key: KeyObject): JsonWebKey {
  const pem = key.export({ type: 'pkcs8', format: 'pem' })
  return createPublicKey(`${pem}`).export({ format: 'jwk' })
}

/** What is said of a version besides its key. */
export function describeAttributes({ enabled, nbf, exp, created }: VaultKeyVersion): object {
  const recovery = { recoveryLevel: 'Recoverable+Purgeable', recoverableDays: 90 }
  return { enabled, nbf, exp, created, updated: created, ...recovery, exportable: false }
}

/** Signs a digest as the vault does. Throws what it refuses. */
export function signWithVersion(version: VaultKeyVersion, alg: unknown, digest: Buffer): Buffer {
  const { type, privateKey, enabled, nbf = 0, exp = Number.POSITIVE_INFINITY, keyOps } = version
  if (!enabled) {
    throw forbid('Operation sign is not allowed on a disabled key.', 'KeyDisabled')
  }
  if (now() < nbf) {
    throw forbid('Operation sign is not allowed on a key that is not yet valid.', 'KeyNotYetValid')
  }
  if (now() >= exp) {
    throw forbid('Operation sign is not allowed on an expired key.', 'KeyExpired')
  }
  if (!keyOps.includes('sign')) {
    const message = 'Operation sign is not permitted on this key.'
    throw forbid(message, 'KeyOperationForbidden')
  }
  if (!privateKey || !isJwsAlgorithm(alg) || !fits(type, alg)) {
    const message = `Key and signing algorithm are incompatible. Key is of type '${type}', algorithm is '${alg}'.`
    throw new VaultError(400, 'BadParameter', message)
  }
  const length = findDigestLength(alg)
  if (digest.length !== length) {
    const message = `Invalid length of 'value': ${digest.length} bytes. ${alg} requires ${length} bytes, encoded with base64url.`
    throw new VaultError(400, 'BadParameter', message)
  }
  return signDigest(alg, digest, privateKey)
}

function fits(type: VaultKeyType, alg: string): boolean {
  if (type.startsWith('RSA')) return /^[RP]S/.test(alg)
  return ecAlgs[type] === alg
}

function forbid(message: string, inner: string): VaultError {
  return new VaultError(403, 'Forbidden', message, inner)
}

function now(): number {
  return Math.floor(Date.now() / 1000)
}
