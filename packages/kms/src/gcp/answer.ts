/**
 * What Google Cloud KMS returns, read and checked: that it is of the version that was asked for, and
 * that nothing was damaged on the way.
 *
 * @see https://cloud.google.com/kms/docs/data-integrity-guidelines
 *
 * @module
 */

import { createPublicKey, type KeyObject } from 'node:crypto'
import { StoreFault } from '../store/key-store.ts'
import { type Answer, isAnswer } from './call.ts'
import { calculateCrc32c } from './crc32c.ts'

/** A version as a list of them has it. */
export interface ListedVersion {
  readonly ref: string
  readonly algorithm: string
  /** When its key was generated or imported, which may be long after the version was made. NumericDate. */
  readonly createdAt: number | undefined
}

/** Reads the versions of a page that are enabled. */
export function readVersionPage({ cryptoKeyVersions }: Answer): readonly ListedVersion[] {
  const versions: readonly unknown[] = Array.isArray(cryptoKeyVersions) ? cryptoKeyVersions : []
  return versions.filter(isAnswer).flatMap(({ name, state, algorithm, ...times }) => {
    if (typeof name !== 'string' || state !== 'ENABLED') return []
    const { generateTime, importTime, createTime } = times
    const createdAt = readTimestamp(generateTime ?? importTime ?? createTime)
    return [{ ref: name, algorithm: String(algorithm), createdAt }]
  })
}

/** Reads the public key of a version. */
export function readPublicKey(
  ref: string,
  { name, pem, pemCrc32c, algorithm }: Answer,
): { readonly publicKey: KeyObject; readonly algorithm: string } {
  if (name !== ref || typeof pem !== 'string' || !isIntact(Buffer.from(pem), pemCrc32c)) {
    const message = `the public key of ${ref} is damaged, or of another version`
    throw new StoreFault('unavailable', message, `${message}: ask again`)
  }
  return { publicKey: createPublicKey(pem), algorithm: String(algorithm) }
}

/** Reads a signature that was made with a version, of what was sent as `input`. */
export function readSignature(ref: string, input: 'digest' | 'data', answer: Answer): Uint8Array {
  const { name, signature, signatureCrc32c } = answer
  if (name !== ref) {
    throw new StoreFault('bad-signature', `${ref} was to sign, and another version did`)
  }
  const isVerified = answer[input === 'digest' ? 'verifiedDigestCrc32c' : 'verifiedDataCrc32c']
  const isWhole = signature instanceof Uint8Array && isIntact(signature, signatureCrc32c)
  if (isVerified === true && isWhole) return signature
  const what = isVerified === true ? 'the signature' : `the ${input} that was to be signed`
  const message = `${what} was damaged on its way`
  throw new StoreFault('bad-signature', message, `${message}: sign again`)
}

/** A number of 64 bits is in a message of its own, and there a text. */
function isIntact(data: Uint8Array, crc32c: unknown): boolean {
  const value = isAnswer(crc32c) ? crc32c['value'] : crc32c
  return value !== undefined && value !== null && String(value) === String(calculateCrc32c(data))
}

function readTimestamp(timestamp: unknown): number | undefined {
  if (!isAnswer(timestamp)) return undefined
  const { seconds, nanos } = timestamp
  const moment = Number(String(seconds)) + Number(nanos ?? 0) / 1e9
  return Number.isFinite(moment) ? moment : undefined
}
