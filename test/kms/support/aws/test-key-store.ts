/**
 * AWS KMS as the suite for key sources wants it.
 *
 * @module
 */

import { randomUUID } from 'node:crypto'
import { KMSClient } from '@aws-sdk/client-kms'
import type { JwsAlgorithm, KeySource, Signer } from '@countersign/core/keys'
import { type AwsKmsOptions, awsKms } from '@countersign/kms/aws'
import { vi } from 'vitest'
import type { TestKeyStore } from '../../../contract/key-source.ts'
import type { KeySpec, KmsAction, KmsKeys } from './kms-keys.ts'
import { type KmsServer, startKmsServer } from './kms-server.ts'
import type { Identity } from './signature-version-4.ts'

/** What a key is made of that signs with an algorithm. */
export const keySpecs: Readonly<Record<JwsAlgorithm, KeySpec>> = {
  RS256: 'RSA_2048',
  RS384: 'RSA_2048',
  RS512: 'RSA_2048',
  PS256: 'RSA_2048',
  PS384: 'RSA_2048',
  PS512: 'RSA_2048',
  ES256: 'ECC_NIST_P256',
  ES384: 'ECC_NIST_P384',
  ES512: 'ECC_NIST_P521',
  EdDSA: 'ECC_NIST_EDWARDS25519',
  Ed25519: 'ECC_NIST_EDWARDS25519',
}

/** Who the tests are. */
export const tester: Identity = { accessKeyId: 'AKIATESTER', secretAccessKey: 'a-good-secret' }

/** Sets the environment of the SDK: these credentials, and nothing of the machine's. */
export function stubCredentials(identity?: Identity): void {
  const none = '/dev/null'
  vi.stubEnv('AWS_ACCESS_KEY_ID', identity?.accessKeyId)
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', identity?.secretAccessKey)
  vi.stubEnv('AWS_SESSION_TOKEN', identity?.sessionToken)
  vi.stubEnv('AWS_CONFIG_FILE', none)
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', none)
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  const others = [
    'PROFILE',
    'REGION',
    'ENDPOINT_URL',
    'ENDPOINT_URL_KMS',
    'WEB_IDENTITY_TOKEN_FILE',
    'CONTAINER_CREDENTIALS_FULL_URI',
    'CONTAINER_CREDENTIALS_RELATIVE_URI',
  ]
  for (const name of others) vi.stubEnv(`AWS_${name}`, undefined)
}

/** Starts the service, with the tester admitted. */
export async function startTestServer(): Promise<KmsServer> {
  const server = await startKmsServer()
  server.admit(tester)
  return server
}

/** Creates a client of the caller's own. */
export function createTestClient(server: KmsServer, identity: Identity = tester): KMSClient {
  return new KMSClient({ region: server.region, endpoint: server.url, credentials: identity })
}

/** Opens a key with the client that is made for it. */
export function openKey(
  { region, url }: KmsServer,
  keyId: AwsKmsOptions['keyId'],
  options: Omit<AwsKmsOptions, 'keyId'> = {},
): KeySource {
  return awsKms({ region, endpoint: url, ...options, keyId })
}

/** The only key of a source. */
export async function readOnlyKey(source: KeySource): Promise<Signer> {
  const [key, ...others] = await source.keys()
  if (!key || others.length > 0) throw new TypeError('there is not one key')
  return key.signer
}

/** All that may be done with a key. */
export const allActions: readonly KmsAction[] = ['DescribeKey', 'GetPublicKey', 'Sign']

/** Makes a key, and gives it the name among several that stands for none, or for the oldest. */
export function rotateNames(keys: KmsKeys, names: readonly string[]): void {
  const madeAt = (name: string) => (keys.has(name) ? keys.find(name).createdAt : 0)
  const [next = ''] = names.toSorted((a, b) => madeAt(a) - madeAt(b))
  const [one = ''] = names.filter((name) => keys.has(name))
  keys.setAlias(next, keys.createKey(keys.find(one).spec))
}

/** A key's names, the first of which it has from the beginning. */
type NameKey = () => readonly string[]

/** One alias, which is given to another key. */
export const oneAlias: NameKey = () => [`alias/${randomUUID()}`]

/** Two aliases, which are given to one key after the other. */
export const twoAliases: NameKey = () => {
  const [name] = oneAlias()
  return [`${name}-1`, `${name}-2`]
}

/** Starts a key store whose keys are named by aliases. The environment has the tester's credentials. */
export async function startTestKeyStore(nameKey: NameKey): Promise<TestKeyStore> {
  const server = await startTestServer()
  const { keys } = server
  const stranger = { ...tester, secretAccessKey: 'wrong-secret' }
  const client = createTestClient(server, stranger)
  const oldest = new Map<string, string>()
  const split = (key: string) =>
    key.split(',').map((name) => (name.startsWith('alias/') ? name : `alias/${name}`))
  const findKeys = (key: string) =>
    split(key).flatMap((name) => (keys.has(name) ? [keys.find(name)] : []))
  return {
    async createKey(alg) {
      const names = nameKey()
      const key = keys.createKey(keySpecs[alg])
      keys.setAlias(`${names[0]}`, key)
      oldest.set(names.join(), key.arn)
      return names.join()
    },
    open: (key, settings) => openKey(server, split(key), settings),
    openAsStranger: (key) => awsKms({ keyId: split(key), client }),
    openNowhere: (key) => openKey(server, split(key), { endpoint: 'http://127.0.0.1:1' }),
    openVersion: (key, settings) => openKey(server, oldest.get(key) ?? key, settings),
    rotate: async (key) => rotateNames(keys, split(key)),
    async disable(key) {
      keys.find(oldest.get(key) ?? key).state = 'Disabled'
    },
    async destroy(key) {
      for (const found of findKeys(key)) found.state = 'PendingDeletion'
    },
    async deny(key) {
      for (const found of findKeys(key)) found.denied = allActions
    },
    misbehave: server.misbehave,
    recover: server.recover,
    async close() {
      client.destroy()
      await server.close()
    },
  }
}
