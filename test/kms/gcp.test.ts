import type { KeySource, Signer } from '@countersign/core/keys'
import { type GoogleKmsClient, googleKms } from '@countersign/kms/gcp'
import { compactVerify, importJWK } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { findError } from '../support/key-error.ts'
import type { AlgorithmName } from './support/gcp/algorithms.ts'
import { type GoogleTestKeyStore, startGoogleKms } from './support/gcp/test-store.ts'

describe.each(['gRPC', 'REST'] as const)('a key of Google Cloud KMS over %s', (transport) => {
  let store: GoogleTestKeyStore
  let count = 0
  beforeAll(async () => {
    store = await startGoogleKms(transport)
  })
  afterEach(() => store.service.recover())
  afterAll(() => store.close())

  /** Makes a key with a version of each algorithm, and returns its resource name. */
  function createKey(first: AlgorithmName, ...others: readonly AlgorithmName[]): string {
    const { ring } = store.service
    count += 1
    const key = ring.createKey(`key-${count}`, first)
    for (const algorithm of others) ring.createVersion(key, algorithm)
    return key
  }

  describe('an answer', () => {
    test.each([
      ['a signature that was damaged', { signature: Buffer.from('damaged') }, 'the signature was'],
      ['no checksum', { signatureCrc32c: null }, 'the signature was damaged'],
      ['a digest that arrived otherwise', { verifiedDigestCrc32c: false }, 'the digest that was'],
    ])('with %s is refused', async (_, change, message) => {
      const signer = await readSigner(store.openName(createKey('EC_SIGN_P256_SHA256')))
      store.service.alter('asymmetricSign', (answer) => ({ ...answer, ...change }))
      const error = await findError(signer.sign(Buffer.from('data')))
      expect(error).toMatchObject({
        code: 'ERR_SIGN',
        reason: 'bad-signature',
        kid: signer.kid,
        message: expect.stringContaining(message),
      })
      store.service.recover()
      await checkSigner(signer)
    })

    test('for data that arrived otherwise is refused', async () => {
      const signer = await readSigner(store.openName(createKey('EC_SIGN_ED25519')))
      store.service.alter('asymmetricSign', (answer) => ({ ...answer, verifiedDataCrc32c: false }))
      const error = await findError(signer.sign(Buffer.from('data')))
      expect(error.message).toContain('the data that was to be signed was damaged on its way')
    })

    test('of another version is refused', async () => {
      const name = createKey('EC_SIGN_P256_SHA256')
      const signer = await readSigner(store.openName(name))
      const other = `${name}/cryptoKeyVersions/2`
      store.service.alter('asymmetricSign', (answer) => ({ ...answer, name: other }))
      expect(await findError(signer.sign(Buffer.from('data')))).toMatchObject({
        code: 'ERR_SIGN',
        reason: 'bad-signature',
        message: expect.stringContaining('signed with something else'),
      })
    })

    test.each([
      ['damaged', { pemCrc32c: { value: '1' } }],
      ['of another version', { name: 'another' }],
    ])('with a public key that is %s is refused', async (_, change) => {
      const name = createKey('EC_SIGN_P256_SHA256')
      store.service.alter('getPublicKey', (answer) => ({ ...answer, ...change }))
      expect(await findError(store.openName(name).keys())).toMatchObject({
        code: 'ERR_KEY_UNAVAILABLE',
        reason: 'unavailable',
        message: expect.stringContaining(`${name}/cryptoKeyVersions/1 is damaged, or of another`),
      })
    })
  })

  describe('its versions', () => {
    test('are read to the last page, and the public key of each is asked for once', async () => {
      const name = createKey(...repeat(5))
      const source = store.openName(name, { wait: 0 })
      store.service.calls.length = 0
      const keys = await source.keys()
      expect(keys).toHaveLength(5)
      await Promise.all(keys.map(({ signer }) => checkSigner(signer)))
      store.service.ring.createVersion(name, 'EC_SIGN_P256_SHA256')
      expect(await source.keys({ renew: true })).toHaveLength(6)
      expect(countCalls('listCryptoKeyVersions')).toBe(3 + 3)
      expect(countCalls('getPublicKey')).toBe(5 + 1)
    })

    test('that are too many are not read without end', async () => {
      const error = await findError(store.openName(createKey(...repeat(11))).keys())
      expect(error.message).toContain('more than 10 versions are enabled: disable the old ones')
    })

    test('may be of different algorithms', async () => {
      const name = createKey('RSA_SIGN_PKCS1_2048_SHA256', 'EC_SIGN_P256_SHA256', 'EC_SIGN_ED25519')
      const keys = await store.openName(name, { wait: 0 }).keys()
      expect(keys.map(({ signer }) => signer.alg)).toEqual(['RS256', 'ES256', 'EdDSA'])
      await Promise.all(keys.map(({ signer }) => checkSigner(signer)))
    })

    test('of another algorithm than the one that is set are left alone', async () => {
      const name = createKey('RSA_SIGN_PKCS1_2048_SHA256', 'EC_SIGN_P256_SHA256', 'EC_SIGN_ED25519')
      const signer = await readSigner(store.openName(name, { alg: 'Ed25519' }))
      expect(signer.alg).toBe('Ed25519')
      await checkSigner(signer)
    })

    test('of algorithms that JOSE does not have are left alone', async () => {
      const name = createKey('EC_SIGN_SECP256K1_SHA256', 'EC_SIGN_P256_SHA256')
      const signer = await readSigner(store.openName(name))
      expect(signer.alg).toBe('ES256')
    })

    test.each([
      'EC_SIGN_SECP256K1_SHA256',
      'RSA_SIGN_RAW_PKCS1_2048',
      'RSA_DECRYPT_OAEP_2048_SHA256',
      'GOOGLE_SYMMETRIC_ENCRYPTION',
    ] as const)('that are all for %s are refused by its name', async (algorithm) => {
      expect(await findError(store.openName(createKey(algorithm)).keys())).toMatchObject({
        code: 'ERR_KEY_UNAVAILABLE',
        reason: 'unsupported-algorithm',
        message: expect.stringContaining(`it is for ${algorithm}: make a key with the purpose`),
      })
    })

    test('that are all destroyed are told as such', async () => {
      const name = createKey('EC_SIGN_P256_SHA256')
      store.service.ring.setState(`${name}/cryptoKeyVersions/1`, 'DESTROYED')
      expect(await findError(store.openName(name).keys())).toMatchObject({
        reason: 'disabled',
        message: `gcpkms://${name} is disabled: it has no version that is enabled`,
      })
    })
  })

  describe('a version that is named', () => {
    test('is asked for alone, and needs no permission to list', async () => {
      const name = createKey('EC_SIGN_P256_SHA256', 'EC_SIGN_P384_SHA384')
      store.service.calls.length = 0
      const signer = await readSigner(store.openName(`${name}/cryptoKeyVersions/2`))
      expect(signer.alg).toBe('ES384')
      await checkSigner(signer)
      expect(store.service.calls).toEqual(['getPublicKey', 'asymmetricSign'])
    })

    test.each(['DISABLED', 'DESTROY_SCHEDULED', 'DESTROYED'] as const)(
      'and is %s is told as such',
      async (state) => {
        const name = `${createKey('EC_SIGN_P256_SHA256')}/cryptoKeyVersions/1`
        store.service.ring.setState(name, state)
        expect(await findError(store.openName(name).keys())).toMatchObject({
          code: 'ERR_KEY_UNAVAILABLE',
          reason: 'disabled',
          message: `gcpkms://${name} is disabled: enable the version, or make a new one`,
        })
      },
    )

    test('and is not there is told as such', async () => {
      const name = `${createKey('EC_SIGN_P256_SHA256')}/cryptoKeyVersions/2`
      expect(await findError(store.openName(name).keys())).toMatchObject({ reason: 'not-found' })
    })

    test.each(['RSA_DECRYPT_OAEP_2048_SHA256', 'GOOGLE_SYMMETRIC_ENCRYPTION'] as const)(
      'and is for %s is told as such',
      async (algorithm) => {
        const name = `${createKey(algorithm)}/cryptoKeyVersions/1`
        const error = await findError(store.openName(name).keys())
        expect(error.reason).toBe('unsupported-algorithm')
        expect(error.message).toContain('with the purpose ASYMMETRIC_SIGN')
      },
    )
  })

  test('a permission that is missing is named', async () => {
    const name = createKey('EC_SIGN_P256_SHA256')
    store.service.ring.deny(name)
    const { message } = await findError(store.openName(name).keys())
    expect(message).toContain('cloudkms.cryptoKeyVersions.useToSign and .viewPublicKey')
    expect(message).toContain('roles/cloudkms.signerVerifier')
    expect(message).toContain('.list (roles/cloudkms.viewer)')
  })

  test('the cause of an error says what the service said', async () => {
    const name = createKey('EC_SIGN_P256_SHA256')
    store.service.ring.deny(name)
    const { cause } = await findError(store.openName(name).keys())
    expect(cause).toMatchObject({ message: expect.stringContaining('(or it may not exist)') })
  })

  test('a client of the caller stays open when the key source is closed', async () => {
    const name = createKey('EC_SIGN_P256_SHA256')
    const source = store.openName(name)
    await source.keys()
    await source.close?.()
    await checkSigner(await readSigner(store.openName(name)))
  })

  test('a call that is given up leaves no connection open', async () => {
    const signer = await readSigner(store.openName(createKey('EC_SIGN_P256_SHA256')))
    const before = store.openCalls()
    store.service.misbehave('hanging', 1)
    const controller = new AbortController()
    const signing = findError(signer.sign(Buffer.from('data'), controller))
    await expect.poll(() => store.openCalls(), { timeout: 20_000 }).toBe(before + 1)
    controller.abort()
    expect((await signing).message).toContain('aborted')
    await expect.poll(() => store.openCalls(), { timeout: 20_000 }).toBe(before)
  })

  test('a call that is given up before it is sent is not sent', async () => {
    let isReady = true
    let finish = () => {}
    const credentials = new Promise<Record<string, never>>((resolve) => {
      finish = () => resolve({})
    })
    const client: GoogleKmsClient = {
      initialize: () => (isReady ? store.client.initialize() : credentials),
      innerApiCalls: store.client.innerApiCalls,
      close: async () => {},
    }
    const name = createKey('EC_SIGN_P256_SHA256')
    const signer = await readSigner(store.openName(name, { client }))
    isReady = false
    const controller = new AbortController()
    const signing = findError(signer.sign(Buffer.from('data'), controller))
    controller.abort()
    await signing
    store.service.calls.length = 0
    finish()
    isReady = true
    await checkSigner(signer)
    expect(store.service.calls).toEqual(['asymmetricSign'])
  })

  function countCalls(method: string): number {
    return store.service.calls.filter((call) => call === method).length
  }
})

describe('a resource name', () => {
  test.each([
    'login',
    'projects/p/locations/l/keyRings/r',
    'projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/latest',
    'https://cloudkms.googleapis.com/v1/projects/p/locations/l/keyRings/r/cryptoKeys/k',
  ])('%s is none of a key', (name) => {
    expect(() => googleKms({ name })).toThrow(TypeError)
    expect(() => googleKms({ name })).toThrow('"name" must be projects/PROJECT/locations/LOCATION')
  })

  test('without a version has no "kid" of its own', () => {
    const name = 'projects/p/locations/l/keyRings/r/cryptoKeys/k'
    expect(() => googleKms({ name, kid: 'mine' })).toThrow(TypeError)
    expect(() => googleKms({ name, kid: 'mine' })).toThrow('name its version too')
  })

  test('is the name of the key source', () => {
    const name = 'projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1'
    expect(googleKms({ name }).name).toBe(`gcpkms://${name}`)
  })
})

function repeat(times: number): [AlgorithmName, ...AlgorithmName[]] {
  const others = Array.from({ length: times - 1 }, () => 'EC_SIGN_P256_SHA256' as const)
  return ['EC_SIGN_P256_SHA256', ...others]
}

async function readSigner(source: KeySource): Promise<Signer> {
  const [first, ...others] = await source.keys()
  if (!first || others.length > 0) throw new TypeError('there is not one key')
  return first.signer
}

async function checkSigner(signer: Signer): Promise<void> {
  const header = Buffer.from(JSON.stringify({ alg: signer.alg })).toString('base64url')
  const input = `${header}.${Buffer.from('text').toString('base64url')}`
  const signature = await signer.sign(Buffer.from(input))
  const jws = `${input}.${Buffer.from(signature).toString('base64url')}`
  await compactVerify(jws, await importJWK({ ...signer.publicJwk }, signer.alg))
}
