/**
 * What AWS KMS says of a key: its public half, and when it was made.
 *
 * @see https://docs.aws.amazon.com/kms/latest/APIReference/API_GetPublicKey.html
 * @see https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html
 *
 * @module
 */

import { createPublicKey, type KeyObject } from 'node:crypto'
import { type KeyVersion, StoreFault } from '../store/key-store.ts'
import { readSigningAlgorithms } from './algorithms.ts'
import type { AwsKmsClient, AwsKmsSdk } from './client.ts'
import { disabledRemedy, shortenMessage } from './failure.ts'

/** What is asked about keys, each by any of its names. */
export interface AwsKeys {
  /** Reads the public half of a key. Its `ref` is its ARN. */
  readKey(name: string, signal: AbortSignal): Promise<KeyVersion>
  /**
   * Reads what else there is to know.
   *
   * @throws StoreFault `disabled` when the key may not be used
   */
  describeKey(
    name: string,
    signal: AbortSignal,
  ): Promise<{ readonly ref: string; readonly createdAt: number }>
}

/** States in which a key signs. */
const usable: readonly (string | undefined)[] = ['Enabled', 'Updating']

/** Creates what asks about keys. */
export function createAwsKeys(sdk: AwsKmsSdk, client: AwsKmsClient): AwsKeys {
  return {
    async readKey(name, abortSignal) {
      const command = new sdk.GetPublicKeyCommand({ KeyId: name })
      const key = await client.send(command, { abortSignal }).catch(rethrowShort)
      if (key.KeyUsage !== 'SIGN_VERIFY') {
        const remedy = `its usage is ${key.KeyUsage}: make a key with the usage SIGN_VERIFY`
        throw new StoreFault('unsupported-algorithm', 'the key is not for signatures', remedy)
      }
      const algs = readSigningAlgorithms(key.SigningAlgorithms ?? [])
      if (algs.length === 0) {
        const remedy = `no algorithm of JOSE is for a key of ${key.KeySpec}: make an RSA, NIST or Ed25519 key`
        throw new StoreFault('unsupported-algorithm', 'the key is of another kind', remedy)
      }
      if (key.KeyId === undefined) throw buildFault('AWS KMS answered without naming the key')
      return { ref: key.KeyId, publicKey: readPublicKey(key.PublicKey), algs }
    },
    async describeKey(name, abortSignal) {
      const command = new sdk.DescribeKeyCommand({ KeyId: name })
      const { KeyMetadata: key } = await client.send(command, { abortSignal }).catch(rethrowShort)
      const createdAt = (key?.CreationDate?.getTime() ?? Number.NaN) / 1000
      if (key?.Arn === undefined || Number.isNaN(createdAt)) {
        throw buildFault('AWS KMS answered without saying which key it is, and when it was made')
      }
      if (usable.includes(key.KeyState)) return { ref: key.Arn, createdAt }
      throw new StoreFault('disabled', `its state is ${key.KeyState}`, disabledRemedy)
    },
  }
}

/** Throws an error without what must not be in a log. */
export function rethrowShort(error: unknown): never {
  throw shortenMessage(error)
}

function readPublicKey(der: Uint8Array | undefined): KeyObject {
  try {
    return createPublicKey({ key: Buffer.from(der ?? []), format: 'der', type: 'spki' })
  } catch {
    throw buildFault('AWS KMS answered with a public key that cannot be read')
  }
}

function buildFault(fault: string): StoreFault {
  return new StoreFault('unavailable', fault, fault)
}
