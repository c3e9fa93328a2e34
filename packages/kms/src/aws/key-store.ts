/**
 * A key in AWS KMS.
 *
 * A key there has one version for ever, and an alias is a name that is given to another key when keys
 * rotate. The name is looked up once in a while; what signs is the key that it stood for, by its ARN.
 *
 * @see https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html
 * @see https://docs.aws.amazon.com/kms/latest/APIReference/API_GetPublicKey.html
 *
 * @module
 */

import { createHash, createPublicKey, type KeyObject } from 'node:crypto'
import { algorithms } from '@countersign/core/keys'
import { readDerSignature } from '../store/der-signature.ts'
import { type KeyStore, type KeyVersion, type SignRequest, StoreFault } from '../store/key-store.ts'
import { readSigningAlgorithms, signingAlgorithms } from './algorithms.ts'
import type { AwsKmsClient, AwsKmsSdk } from './client.ts'
import { readAwsFailure, shortenMessage } from './failure.ts'

/** What a key store of AWS KMS is made of. */
export interface AwsKeyStoreSettings {
  readonly sdk: AwsKmsSdk
  readonly client: AwsKmsClient
  /** An alias, a key id or an ARN. */
  readonly keyId: string
  /** Whether only one key is wanted, so that the one before it is let go of at once. */
  readonly isAlone: boolean
}

/** As many as the SDK has connections. */
const concurrency = 50

/**
 * Seconds for which the key that an alias stood for before is published. Other replicas sign with it
 * until they look, and what they have signed is on its way for some time.
 */
const overlap = 600

/** Octets that AWS KMS takes where it is to make the digest itself, as Ed25519 does. */
const maxMessage = 4096

/** Creates the key store. */
export function createAwsKeyStore(settings: AwsKeyStoreSettings): KeyStore {
  const { sdk, client, keyId, isAlone } = settings

  async function readKey(id: string, signal: AbortSignal): Promise<KeyVersion> {
    const command = new sdk.GetPublicKeyCommand({ KeyId: id })
    const key = await client.send(command, { abortSignal: signal }).catch(rethrowShort)
    if (key.KeyUsage !== 'SIGN_VERIFY') {
      const remedy = `its usage is ${key.KeyUsage}: make a key with the usage SIGN_VERIFY`
      throw new StoreFault('unsupported-algorithm', 'the key is not for signatures', remedy)
    }
    const algs = readSigningAlgorithms(key.SigningAlgorithms ?? [])
    if (algs.length === 0) {
      const remedy = `no algorithm of JOSE is for a key of ${key.KeySpec}: make an RSA, NIST or Ed25519 key`
      throw new StoreFault('unsupported-algorithm', 'the key is of another kind', remedy)
    }
    return { ref: readArn(key.KeyId), publicKey: readPublicKey(key.PublicKey), algs }
  }

  /** The key until it is over; nothing when it is gone already. */
  async function readRetired(version: KeyVersion, signal: AbortSignal): Promise<KeyVersion[]> {
    try {
      await readKey(version.ref, signal)
    } catch (error) {
      const reason = readAwsFailure(error)?.reason
      if (reason === 'disabled' || reason === 'not-found') return []
    }
    return [version]
  }

  return {
    concurrency,
    async readVersions({ known, signal }) {
      const named = await readKey(keyId, signal)
      const now = Math.floor(Date.now() / 1000)
      if (isAlone || known.size === 0) return [known.get(named.ref) ?? named]
      const others = [...known.values()].filter(({ ref }) => ref !== named.ref)
      const ending = others
        .map((version) => ({ ...version, notAfter: version.notAfter ?? now + overlap }))
        .filter(({ notAfter }) => now < notAfter)
      const retired = await Promise.all(ending.map((version) => readRetired(version, signal)))
      return [...retired.flat(), pickCurrent(named, known, now)]
    },
    async sign({ ref }, { alg, data, signal }) {
      const SigningAlgorithm = signingAlgorithms[alg]
      const message = buildMessage({ alg, data })
      const command = new sdk.SignCommand({ KeyId: ref, SigningAlgorithm, ...message })
      const signed = await client.send(command, { abortSignal: signal }).catch(rethrowShort)
      if (signed.KeyId !== ref || signed.SigningAlgorithm !== SigningAlgorithm) {
        const used = `${signed.SigningAlgorithm} and the key ${signed.KeyId}`
        throw new StoreFault('bad-signature', `AWS KMS signed with ${used}, and not with ${ref}`)
      }
      return readDerSignature(alg, signed.Signature ?? Buffer.alloc(0))
    },
    readFailure: readAwsFailure,
  }
}

/**
 * The key that the name stands for now. One that it was given after another begins when that is seen,
 * and later than any other.
 */
function pickCurrent(
  named: KeyVersion,
  known: ReadonlyMap<string, KeyVersion>,
  now: number,
): KeyVersion {
  const last = known.get(named.ref)
  // One that ends was the current one before, and the name has come back to it
  if (last && last.notAfter === undefined) return last
  const begins = [...known.values()].map(({ notBefore = 0 }) => notBefore)
  return { ...named, notBefore: Math.max(now, ...begins.map((begin) => begin + 1)) }
}

/** The digest, so that there is no limit to what is signed. Ed25519 has none to give. */
function buildMessage({ alg, data }: Pick<SignRequest, 'alg' | 'data'>): {
  readonly MessageType: 'DIGEST' | 'RAW'
  readonly Message: Uint8Array
} {
  const { digest } = algorithms[alg]
  if (digest !== null) {
    return { MessageType: 'DIGEST', Message: createHash(digest).update(data).digest() }
  }
  if (data.length > maxMessage) {
    const fault = `AWS KMS signs ${maxMessage} octets with Ed25519 at most, and these are ${data.length}`
    throw new StoreFault('unsupported-algorithm', fault, `${fault}: take an RSA or NIST key`)
  }
  return { MessageType: 'RAW', Message: data }
}

function readArn(keyId: string | undefined): string {
  if (keyId !== undefined) return keyId
  const fault = 'AWS KMS answered without naming the key'
  throw new StoreFault('unavailable', fault, fault)
}

function readPublicKey(der: Uint8Array | undefined): KeyObject {
  try {
    return createPublicKey({ key: Buffer.from(der ?? []), format: 'der', type: 'spki' })
  } catch {
    const fault = 'AWS KMS answered with a public key that cannot be read'
    throw new StoreFault('unavailable', fault, fault)
  }
}

function rethrowShort(error: unknown): never {
  throw shortenMessage(error)
}
