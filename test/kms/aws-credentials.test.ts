import type { KeySource } from '@countersign/core/keys'
import { awsKms, createUriKeySource } from '@countersign/kms/aws'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { describeAll, findError } from '../support/key-error.ts'
import type { KmsKey } from './support/aws/kms-keys.ts'
import type { KmsServer } from './support/aws/kms-server.ts'
import {
  allActions,
  createTestClient,
  openKey,
  readOnlyKey,
  startTestServer,
  stubCredentials,
  tester,
} from './support/aws/test-key-store.ts'

const alias = 'alias/login'
const text = Buffer.from('a text')
const session = {
  accessKeyId: 'ASIASESSION',
  secretAccessKey: 'a-secret-of-a-session',
  sessionToken: 'a-session-token',
}
const ended = { ...session, accessKeyId: 'ASIAENDED', isExpired: true }

let server: KmsServer
let key: KmsKey
let source: KeySource | undefined
beforeAll(async () => {
  server = await startTestServer()
  server.admit(session)
  server.admit(ended)
  key = server.keys.createKey('ECC_NIST_P256')
  server.keys.setAlias(alias, key)
})
beforeEach(() => stubCredentials(tester))
afterEach(async () => {
  server.recover()
  vi.unstubAllEnvs()
  await source?.close?.()
})
afterAll(() => server.close())

function open(keyId: string = alias): KeySource {
  source = openKey(server, keyId)
  return source
}

function openUri(keyId: string): KeySource {
  const name = `awskms:///${keyId}`
  const place = { name, parts: { keyId }, parameters: {} }
  source = createUriKeySource(place, { defaultRsaAlg: 'RS256' })
  return source
}

describe('credentials', () => {
  test('with a session token are taken from the environment', async () => {
    stubCredentials(session)
    const signer = await readOnlyKey(open())
    expect(await signer.sign(text)).toHaveLength(64)
  })

  test.each([
    ['a wrong secret', { ...session, secretAccessKey: 'wrong' }, 'InvalidSignatureException'],
    ['an unknown access key', { ...session, accessKeyId: 'ASIANO' }, 'UnrecognizedClientException'],
    ['a wrong token', { ...session, sessionToken: 'old' }, 'UnrecognizedClientException'],
    ['a session that is over', ended, 'ExpiredTokenException'],
  ])('%s is told, and nothing secret with it', async (_, identity, name) => {
    stubCredentials(identity)
    const error = await findError(open().keys())
    expect(error).toMatchObject({ reason: 'credentials', cause: { name } })
    expect(error.message).toBe(
      'awskms:///alias/login was asked for with no valid credentials: AWS knows no such access key, ' +
        'session or signature: check the credentials and their end',
    )
    expect(describeAll(error)).not.toMatch(/wrong$|secret-of|session-token|Canonical/m)
  })

  test('that are nowhere are told, with where they were looked for', async () => {
    stubCredentials()
    const error = await findError(open().keys())
    expect(error).toMatchObject({
      reason: 'credentials',
      cause: { name: 'CredentialsProviderError' },
    })
    expect(error.message).toContain('AWS_ACCESS_KEY_ID')
  })

  test('of a client that is ready are its own, and so is its end', async () => {
    stubCredentials()
    const client = createTestClient(server)
    const first = awsKms({ keyId: alias, client })
    await readOnlyKey(first)
    await first.close?.()
    const second = awsKms({ keyId: alias, client })
    expect(await (await readOnlyKey(second)).sign(text)).toHaveLength(64)
    client.destroy()
  })
})

describe('a permission', () => {
  test('that is missing is told with the names of the actions', async () => {
    const other = server.keys.createKey('ECC_NIST_P256')
    other.denied = allActions
    const error = await findError(open(other.arn).keys())
    expect(error.reason).toBe('denied')
    for (const words of ['kms:GetPublicKey', 'kms:Sign', 'key policy']) {
      expect(error.message).toContain(words)
    }
  })
})

describe('the clock', () => {
  test.each([10, -10])('may differ by %i minutes: the SDK corrects its own', async (minutes) => {
    server.setClock(minutes * 60_000)
    const signer = await readOnlyKey(open())
    expect(await signer.sign(text)).toHaveLength(64)
  })
})

describe('the address', () => {
  test('is that of AWS_ENDPOINT_URL_KMS, and the region that of AWS_REGION', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL_KMS', server.url)
    vi.stubEnv('AWS_REGION', server.region)
    const signer = await readOnlyKey(openUri(alias))
    expect(await signer.sign(text)).toHaveLength(64)
  })

  test.each([
    ['AWS_ENDPOINT_URL_KMS', 'http://kms.invalid'],
    ['AWS_ENDPOINT_URL', 'http://127.0.0.1.invalid'],
  ])('without TLS on another machine is refused: %s=%s', async (variable, url) => {
    vi.stubEnv(variable, url)
    vi.stubEnv('AWS_REGION', server.region)
    const error = await findError(openUri(alias).keys())
    expect(error).toMatchObject({ code: 'ERR_KEY_UNAVAILABLE', reason: 'unavailable' })
    expect(error.message).toBe(
      'awskms:///alias/login cannot be asked for: the endpoint ("endpoint", AWS_ENDPOINT_URL_KMS) ' +
        'must be an https: URL',
    )
  })

  test('the region of an ARN wins over all others', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL_KMS', server.url)
    vi.stubEnv('AWS_REGION', 'us-east-1')
    const signer = await readOnlyKey(openUri(key.arn))
    expect(await signer.sign(text)).toHaveLength(64)
    source = awsKms({ keyId: key.arn, region: 'us-east-1' })
    expect((await readOnlyKey(source)).kid).toBe(signer.kid)
  })

  test('without a region there is none, which is told', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL_KMS', server.url)
    const error = await findError(openUri(alias).keys())
    expect(error).toMatchObject({ code: 'ERR_KEY_UNAVAILABLE', reason: 'unavailable' })
    expect(error.message).toBe(
      'awskms:///alias/login cannot be asked for: no region is configured: set AWS_REGION or ' +
        '"region", or name the key by its ARN',
    )
  })

  test('without a region at first, it is found once it is set', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL_KMS', server.url)
    const late = openUri(alias)
    await findError(late.keys())
    vi.stubEnv('AWS_REGION', server.region)
    expect((await readOnlyKey(late)).alg).toBe('ES256')
  })

  test('of another region has another key', async () => {
    vi.stubEnv('AWS_REGION', 'us-east-1')
    vi.stubEnv('AWS_ENDPOINT_URL_KMS', server.url)
    const error = await findError(openUri(alias).keys())
    expect(error).toMatchObject({ reason: 'credentials' })
    expect(error.cause).toMatchObject({ message: 'Credential should be scoped to a valid region.' })
  })
})
