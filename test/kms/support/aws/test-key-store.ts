/**
 * AWS KMS as the suite for key sources wants it.
 *
 * @module
 */

import { randomUUID } from 'node:crypto'
import { KMSClient } from '@aws-sdk/client-kms'
import { type JwsAlgorithm, KeyError, type KeySource, type Signer } from '@countersign/core/keys'
import { type AwsKmsOptions, awsKms } from '@countersign/kms/aws'
import { vi } from 'vitest'
import type { TestKeyStore } from '../../../contract/key-source.ts'
import type { KeySpec } from './kms-keys.ts'
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
  keyId: string,
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

/** What a promise fails with. */
export async function findFailure(promise: Promise<unknown>): Promise<KeyError> {
  const error = await promise.then(
    () => new TypeError('it did not fail'),
    (reason: unknown) => reason,
  )
  if (!(error instanceof KeyError)) throw error
  return error
}

/** Starts a key store whose keys are named by aliases. The environment has the tester's credentials. */
export async function startTestKeyStore(): Promise<TestKeyStore> {
  const server = await startTestServer()
  const { keys } = server
  const stranger = { ...tester, secretAccessKey: 'wrong-secret' }
  const client = createTestClient(server, stranger)
  const oldest = new Map<string, string>()
  const withAlias = (name: string) => (name.startsWith('alias/') ? name : `alias/${name}`)
  return {
    async createKey(alg) {
      const alias = `alias/${randomUUID()}`
      const key = keys.createKey(keySpecs[alg])
      keys.setAlias(alias, key)
      oldest.set(alias, key.arn)
      return alias
    },
    open: (name, { wait: _none, ...settings } = {}) => openKey(server, withAlias(name), settings),
    openAsStranger: (name) => awsKms({ keyId: name, client }),
    openNowhere: (name) => openKey(server, withAlias(name), { endpoint: 'http://127.0.0.1:1' }),
    openVersion: (name) => openKey(server, oldest.get(name) ?? name),
    async rotate(name) {
      keys.setAlias(name, keys.createKey(keys.find(name).spec))
    },
    async disable(name) {
      keys.find(oldest.get(name) ?? name).state = 'Disabled'
    },
    async destroy(name) {
      keys.find(name).state = 'PendingDeletion'
    },
    async deny(name) {
      keys.find(name).isDenied = true
    },
    misbehave: server.misbehave,
    recover: server.recover,
    signRequests: () => server.requests.filter(({ operation }) => operation === 'Sign').length,
    async close() {
      client.destroy()
      await server.close()
    },
  }
}
