/**
 * A key in AWS KMS.
 *
 * A key there has one version for ever. What is a key elsewhere is a name here that is given to one key
 * after the other, or several such names. They are looked up once in a while; what signs is the key that
 * was found, by its ARN.
 *
 * @see https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html
 *
 * @module
 */

import { createHash } from 'node:crypto'
import { algorithms, type JwsAlgorithm } from '@countersign/core/keys'
import { readDerSignature } from '../store/der-signature.ts'
import { type KeyStore, type SignRequest, StoreFault } from '../store/key-store.ts'
import { signingAlgorithms } from './algorithms.ts'
import type { AwsKmsClient, AwsKmsSdk } from './client.ts'
import { readAwsFailure } from './failure.ts'
import { createAwsKeys, rethrowShort } from './key.ts'
import { createOneNameReader } from './one-name.ts'
import { createSeveralNamesReader } from './several-names.ts'

/** What a key store of AWS KMS is made of. */
export interface AwsKeyStoreSettings {
  readonly sdk: AwsKmsSdk
  readonly client: AwsKmsClient
  /** Aliases, key ids or ARNs; one at least. */
  readonly names: readonly string[]
  /** The only algorithm that is wanted. */
  readonly alg: JwsAlgorithm | undefined
}

/** As many as the SDK has connections. */
const concurrency = 50

/** Octets that AWS KMS takes where it is to make the digest itself, as Ed25519 does. */
const maxMessage = 4096

/** Creates the key store. */
export function createAwsKeyStore({ sdk, client, names, alg }: AwsKeyStoreSettings): KeyStore {
  const keys = createAwsKeys(sdk, client)
  const [name = ''] = names
  const readVersions =
    names.length === 1
      ? createOneNameReader(keys, { name, alg })
      : createSeveralNamesReader(keys, names)
  return {
    concurrency,
    readVersions,
    async sign({ ref }, request) {
      const SigningAlgorithm = signingAlgorithms[request.alg]
      const message = buildMessage(request)
      const command = new sdk.SignCommand({ KeyId: ref, SigningAlgorithm, ...message })
      const { signal: abortSignal } = request
      const signed = await client.send(command, { abortSignal }).catch(rethrowShort)
      if (signed.KeyId !== ref || signed.SigningAlgorithm !== SigningAlgorithm) {
        const used = `${signed.SigningAlgorithm} and the key ${signed.KeyId}`
        throw new StoreFault('bad-signature', `AWS KMS signed with ${used}, and not with ${ref}`)
      }
      return readDerSignature(request.alg, signed.Signature ?? Buffer.alloc(0))
    },
    readFailure: readAwsFailure,
  }
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
