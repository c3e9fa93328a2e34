/**
 * The keys of an AWS account in one region, and what AWS KMS does with them.
 *
 * @see https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html
 * @see https://docs.aws.amazon.com/kms/latest/APIReference/API_GetPublicKey.html
 * @see https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
 *
 * @module
 */

import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
  sign,
} from 'node:crypto'
import type { JwsAlgorithm } from '@countersign/core/keys'
import { encodeDerSignature, findDigestLength, signDigest } from '../digest-signature.ts'
import { AwsFault, buildValidationFault } from './aws-fault.ts'

/** What a key is made of. */
export type KeySpec =
  | 'RSA_2048'
  | 'RSA_3072'
  | 'ECC_NIST_P256'
  | 'ECC_NIST_P384'
  | 'ECC_NIST_P521'
  | 'ECC_NIST_EDWARDS25519'
  | 'ECC_SECG_P256K1'

/** What may be done with a key. */
export type KmsAction = 'DescribeKey' | 'GetPublicKey' | 'Sign'

/** A key, its state and its permissions. */
export interface KmsKey {
  readonly arn: string
  readonly spec: KeySpec
  readonly usage: 'SIGN_VERIFY' | 'ENCRYPT_DECRYPT' | 'KEY_AGREEMENT'
  readonly privateKey: KeyObject
  /** Milliseconds since 1970. */
  readonly createdAt: number
  state: 'Enabled' | 'Disabled' | 'PendingDeletion'
  /** What the tester may not do with it. */
  denied: readonly KmsAction[]
}

/** The parameters of a request, as they are in its JSON. */
export type Parameters = Readonly<Record<string, unknown>>

interface SpecRow {
  readonly algorithms: readonly string[]
  generate(): KeyObject
}

const ecdsa = (namedCurve: string, bits: number): SpecRow => ({
  algorithms: [`ECDSA_SHA_${bits}`],
  generate: () => generateKeyPairSync('ec', { namedCurve }).privateKey,
})

const rsa = (modulusLength: number): SpecRow => ({
  algorithms: ['RSASSA_PKCS1_V1_5_SHA', 'RSASSA_PSS_SHA'].flatMap((name) =>
    [256, 384, 512].map((bits) => `${name}_${bits}`),
  ),
  generate: () => generateKeyPairSync('rsa', { modulusLength }).privateKey,
})

const specs: Readonly<Record<KeySpec, SpecRow>> = {
  RSA_2048: rsa(2048),
  RSA_3072: rsa(3072),
  ECC_NIST_P256: ecdsa('P-256', 256),
  ECC_NIST_P384: ecdsa('P-384', 384),
  ECC_NIST_P521: ecdsa('P-521', 512),
  ECC_SECG_P256K1: ecdsa('secp256k1', 256),
  ECC_NIST_EDWARDS25519: {
    algorithms: ['ED25519_SHA_512', 'ED25519_PH_SHA_512'],
    generate: () => generateKeyPairSync('ed25519').privateKey,
  },
}

/** What signs and hashes as each algorithm of AWS KMS does; of secp256k1 nobody asks. */
const signing: Readonly<Record<string, JwsAlgorithm>> = {
  RSASSA_PKCS1_V1_5_SHA_256: 'RS256',
  RSASSA_PKCS1_V1_5_SHA_384: 'RS384',
  RSASSA_PKCS1_V1_5_SHA_512: 'RS512',
  RSASSA_PSS_SHA_256: 'PS256',
  RSASSA_PSS_SHA_384: 'PS384',
  RSASSA_PSS_SHA_512: 'PS512',
  ECDSA_SHA_256: 'ES256',
  ECDSA_SHA_384: 'ES384',
  ECDSA_SHA_512: 'ES512',
  ED25519_SHA_512: 'EdDSA',
}

/** The keys of an account. */
export interface KmsKeys {
  createKey(spec: KeySpec, usage?: KmsKey['usage']): KmsKey
  /** Answers with the public half of disabled keys too, as AWS was seen to do against its documents. */
  showDisabled(isShown: boolean): void
  setAlias(alias: string, key: KmsKey): void
  has(keyId: string): boolean
  /** The key that a key id, an alias or an ARN stands for. */
  find(keyId: string): KmsKey
  describeKey(parameters: Parameters): object
  getPublicKey(parameters: Parameters): object
  sign(parameters: Parameters): {
    readonly KeyId: string
    readonly Signature: string
    readonly SigningAlgorithm: string
  }
}

/** Creates an account without keys. */
export function createKmsKeys(region: string): KmsKeys {
  const place = `arn:aws:kms:${region}:111122223333`
  const keys = new Map<string, KmsKey>()
  const aliases = new Map<string, KmsKey>()
  let isDisabledShown = false

  function lookUp(keyId: string): KmsKey | undefined {
    const name = keyId.replace(`${place}:`, '')
    return aliases.get(name) ?? keys.get(`${place}:key/${name.replace(/^key\//, '')}`)
  }

  function find(keyId: string): KmsKey {
    if (keyId.startsWith('arn:') && !keyId.startsWith(`${place}:`)) {
      throw new AwsFault('NotFoundException', `Invalid arn ${keyId.split(':')[3]}`)
    }
    const found = lookUp(keyId)
    if (found) return found
    const name = keyId.replace(`${place}:`, '')
    const message = name.startsWith('alias/')
      ? `Alias ${place}:${name} is not found.`
      : `Key '${place}:${name.startsWith('key/') ? name : `key/${name}`}' does not exist`
    throw new AwsFault('NotFoundException', message)
  }

  function findAllowed({ KeyId }: Parameters, action: KmsAction): KmsKey {
    if (typeof KeyId !== 'string' || KeyId.length < 1 || KeyId.length > 2048) {
      throw buildValidationFault('keyId', 'Member must have length between 1 and 2048')
    }
    const key = find(KeyId)
    if (key.denied.includes(action)) {
      const user = `${place.replace(/:kms:[^:]+/, ':iam:')}:user/tester`
      const message = `User: ${user} is not authorized to perform: kms:${action} on resource: ${key.arn} because no resource-based policy allows the kms:${action} action`
      throw new AwsFault('AccessDeniedException', message)
    }
    return key
  }

  function findForUse(parameters: Parameters, action: KmsAction): KmsKey {
    const key = findAllowed(parameters, action)
    const isShown = isDisabledShown && action === 'GetPublicKey'
    if (key.state === 'Disabled' && !isShown) {
      throw new AwsFault('DisabledException', `${key.arn} is disabled.`)
    }
    if (key.state === 'PendingDeletion') {
      throw new AwsFault('KMSInvalidStateException', `${key.arn} is pending deletion.`)
    }
    return key
  }

  return {
    createKey(spec, usage = 'SIGN_VERIFY') {
      // A key that was just generated is read again first: Node 20 may wait for ever to export it
      const der = specs[spec].generate().export({ type: 'pkcs8', format: 'der' })
      const privateKey = createPrivateKey({ key: der, type: 'pkcs8', format: 'der' })
      const arn = `${place}:key/${randomUUID()}`
      const createdAt = Date.now()
      const key: KmsKey = { arn, spec, usage, privateKey, createdAt, state: 'Enabled', denied: [] }
      keys.set(arn, key)
      return key
    },
    showDisabled(isShown) {
      isDisabledShown = isShown
    },
    setAlias(alias, key) {
      aliases.set(alias, key)
    },
    has: (keyId) => lookUp(keyId) !== undefined,
    find,
    // In every state
    describeKey(parameters) {
      const { arn, spec, usage, createdAt, state } = findAllowed(parameters, 'DescribeKey')
      return {
        KeyMetadata: {
          AWSAccountId: '111122223333',
          Arn: arn,
          CreationDate: createdAt / 1000,
          CustomerMasterKeySpec: spec,
          Description: '',
          Enabled: state === 'Enabled',
          KeyId: arn.replace(/^.*\//, ''),
          KeyManager: 'CUSTOMER',
          KeySpec: spec,
          KeyState: state,
          KeyUsage: usage,
          MultiRegion: false,
          Origin: 'AWS_KMS',
          ...(state === 'PendingDeletion' && { DeletionDate: Date.now() / 1000 + 7 * 86_400 }),
          ...(usage === 'SIGN_VERIFY' && { SigningAlgorithms: specs[spec].algorithms }),
        },
      }
    },
    getPublicKey(parameters) {
      const { arn, spec, usage, privateKey } = findForUse(parameters, 'GetPublicKey')
      const der = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
      return {
        KeyId: arn,
        KeySpec: spec,
        CustomerMasterKeySpec: spec,
        KeyUsage: usage,
        PublicKey: der.toString('base64'),
        ...(usage === 'SIGN_VERIFY' && { SigningAlgorithms: specs[spec].algorithms }),
      }
    },
    sign(parameters) {
      const { message, type, algorithm } = readSignParameters(parameters)
      const { arn, spec, usage, privateKey } = findForUse(parameters, 'Sign')
      if (usage !== 'SIGN_VERIFY') {
        const fault = `${arn} key usage is ${usage} which is not valid for signing.`
        throw new AwsFault('InvalidKeyUsageException', fault)
      }
      if (!specs[spec].algorithms.includes(algorithm)) {
        const fault = `Algorithm ${algorithm} is incompatible with key spec ${spec}.`
        throw new AwsFault('InvalidKeyUsageException', fault)
      }
      const signature = signMessage(message, type, algorithm, privateKey)
      return { KeyId: arn, Signature: signature.toString('base64'), SigningAlgorithm: algorithm }
    },
  }
}

function readSignParameters({ Message, MessageType = 'RAW', SigningAlgorithm }: Parameters): {
  readonly message: Buffer
  readonly type: 'RAW' | 'DIGEST'
  readonly algorithm: string
} {
  const message = Buffer.from(typeof Message === 'string' ? Message : '', 'base64')
  if (message.length < 1) {
    throw buildValidationFault('message', 'Member must have length greater than or equal to 1')
  }
  if (message.length > 4096) {
    throw buildValidationFault('message', 'Member must have length less than or equal to 4096')
  }
  if (MessageType !== 'RAW' && MessageType !== 'DIGEST') {
    throw buildValidationFault('messageType', 'Member must satisfy enum value set: [RAW, DIGEST]')
  }
  if (typeof SigningAlgorithm !== 'string' || !Object.hasOwn(signing, SigningAlgorithm)) {
    throw buildValidationFault('signingAlgorithm', 'Member must satisfy enum value set')
  }
  return { message, type: MessageType, algorithm: SigningAlgorithm }
}

function signMessage(
  message: Buffer,
  type: 'RAW' | 'DIGEST',
  algorithm: string,
  key: KeyObject,
): Buffer {
  const alg = signing[algorithm] ?? 'RS256'
  const length = findDigestLength(alg)
  if (length === undefined) {
    if (type === 'RAW') return sign(null, message, key)
    throw new AwsFault('ValidationException', `MessageType must be RAW for algorithm ${algorithm}.`)
  }
  if (type === 'DIGEST' && message.length !== length) {
    const fault = `Digest is invalid length for algorithm ${algorithm}.`
    throw new AwsFault('ValidationException', fault)
  }
  const hash = () =>
    createHash(`sha${length * 8}`)
      .update(message)
      .digest()
  const signature = signDigest(alg, type === 'DIGEST' ? message : hash(), key)
  return alg.startsWith('ES') ? encodeDerSignature(signature) : signature
}
