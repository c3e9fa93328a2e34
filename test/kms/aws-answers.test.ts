import { constants, createPublicKey, randomUUID, verify } from 'node:crypto'
import type { JwsAlgorithm, KeySource, Signer } from '@countersign/core/keys'
import { type AwsKmsOptions, awsKms } from '@countersign/kms/aws'
import { importJWK, jwtVerify } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { findError } from '../support/key-error.ts'
import type { KmsKey } from './support/aws/kms-keys.ts'
import type { KmsServer, Tamper } from './support/aws/kms-server.ts'
import {
  keySpecs,
  openKey,
  readOnlyKey,
  startTestServer,
  stubCredentials,
  tester,
} from './support/aws/test-key-store.ts'

const text = Buffer.from('a text')
const opened: KeySource[] = []
let server: KmsServer
beforeAll(async () => {
  stubCredentials(tester)
  server = await startTestServer()
})
afterEach(async () => {
  server.recover()
  await Promise.all(opened.splice(0).map((source) => source.close?.()))
})
afterAll(() => server.close())

async function open(key: KmsKey, alg?: JwsAlgorithm): Promise<Signer> {
  const source = openKey(server, key.arn, { alg })
  opened.push(source)
  return await readOnlyKey(source)
}

const base64 = (octets: readonly number[]) => Buffer.from(octets).toString('base64')

describe('an answer', () => {
  test.each<readonly [string, Tamper]>([
    ['by another key', (answer) => ({ ...answer, KeyId: answer.KeyId.replace(/\w{12}$/, '0') })],
    ['by a key without a name', ({ KeyId: _, ...answer }) => answer],
    ['with another algorithm', (answer) => ({ ...answer, SigningAlgorithm: 'ECDSA_SHA_384' })],
    ['without a signature', ({ Signature: _, ...answer }) => answer],
    ['with an empty signature', (answer) => ({ ...answer, Signature: '' })],
    ['that is no DER', (answer) => ({ ...answer, Signature: base64([1, 2, 3]) })],
    ['with r || s', (answer) => ({ ...answer, Signature: Buffer.alloc(64, 7).toString('base64') })],
    [
      'whose DER goes on',
      (answer) => ({ ...answer, Signature: base64([0x30, 6, 2, 1, 1, 2, 1, 1, 0]) }),
    ],
    [
      'with a negative number',
      (answer) => ({ ...answer, Signature: base64([0x30, 6, 2, 1, 0x81, 2, 1, 1]) }),
    ],
  ])('%s is refused', async (_, change) => {
    const signer = await open(server.keys.createKey('ECC_NIST_P256'))
    server.tamper(change)
    const error = await findError(signer.sign(text))
    expect(error).toMatchObject({ code: 'ERR_SIGN', reason: 'bad-signature', kid: signer.kid })
    server.recover()
    expect(await signer.sign(text)).toHaveLength(64)
  })

  test.each(['hanging', 'disconnecting', 'unavailable'] as const)(
    'once %s is waited for no longer than there is time to ask again',
    async (fault) => {
      const signer = await open(server.keys.createKey('ECC_NIST_P256'))
      server.misbehave(fault, 1)
      expect(await signer.sign(text)).toHaveLength(64)
    },
  )
})

describe('a key', () => {
  test('that is not for signatures is refused', async () => {
    const key = server.keys.createKey('RSA_2048', 'ENCRYPT_DECRYPT')
    const error = await findError(open(key))
    expect(error.reason).toBe('unsupported-algorithm')
    expect(error.message).toContain('its usage is ENCRYPT_DECRYPT')
  })

  test('on a curve of no algorithm is refused, by the name of the curve', async () => {
    const error = await findError(open(server.keys.createKey('ECC_SECG_P256K1')))
    expect(error.reason).toBe('unsupported-algorithm')
    expect(error.message).toContain('secp256k1')
  })

  test('of RSA signs with RS256 unless another algorithm is named', async () => {
    expect((await open(server.keys.createKey('RSA_3072'))).alg).toBe('RS256')
  })

  const one = 'arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'
  const alias = 'arn:aws:kms:us-east-1:111122223333:alias/login'
  test.each<readonly [string, AwsKmsOptions, string]>([
    ['without a name', { keyId: '' }, '"keyId" must be'],
    ['without any name', { keyId: [] }, '"keyId" must be'],
    ['with two names in one', { keyId: 'alias/a,alias/b' }, '"keyId" must be'],
    ['in two regions', { keyId: [one, alias] }, '"keyId" must name keys of one region'],
    ['whose alias has a "kid"', { keyId: alias, kid: 'a' }, '"kid" names one key for ever'],
    ['of two keys with one "kid"', { keyId: [one, one], kid: 'a' }, '"kid" names one key for ever'],
    ['at no address', { keyId: one, endpoint: 'kms' }, '"endpoint" must be an https: URL'],
    [
      'at an address without TLS',
      { keyId: one, endpoint: 'http://kms.example' },
      '"endpoint" must be an https: URL',
    ],
  ])('%s is a mistake that is told at once', (_, options, message) => {
    expect(() => awsKms(options)).toThrow(TypeError)
    expect(() => awsKms(options)).toThrow(message)
  })

  test.each([one, '1234abcd-12ab-34cd-56ef-1234567890ab', 'mrk-1234abcd12ab34cd56ef1234567890ab'])(
    '%s may have a "kid"',
    (keyId) => {
      expect(() => awsKms({ keyId, kid: 'login' })).not.toThrow()
    },
  )
})

describe('a signature', () => {
  test.each([
    ['PS256', 'sha256', 32],
    ['PS384', 'sha384', 48],
    ['PS512', 'sha512', 64],
  ] as const)('of %s has a salt as long as the digest', async (alg, digest, length) => {
    const rsa = server.keys.createKey('RSA_2048')
    const signature = await (await open(rsa, alg)).sign(text)
    const key = createPublicKey(rsa.privateKey)
    const padding = constants.RSA_PKCS1_PSS_PADDING
    const isWith = (saltLength: number) =>
      verify(digest, text, { key, padding, saltLength }, signature)
    expect([length, length - 1, length + 1, 0].map(isWith)).toEqual([true, false, false, false])
  })

  test.each(['RS256', 'PS512', 'ES256', 'ES384', 'ES512'] as const)(
    'of %s is asked for with the digest alone',
    async (alg) => {
      await (await open(server.keys.createKey(keySpecs[alg]), alg)).sign(text)
      const { parameters } = server.requests.at(-1) ?? {}
      expect(parameters).toMatchObject({ MessageType: 'DIGEST' })
      const octets = { RS256: 32, PS512: 64, ES256: 32, ES384: 48, ES512: 64 }[alg]
      expect(Buffer.from(`${parameters?.['Message']}`, 'base64')).toHaveLength(octets)
    },
  )

  test('of Ed25519 is over 4096 octets at most, and no more is asked for', async () => {
    const signer = await open(server.keys.createKey('ECC_NIST_EDWARDS25519'))
    expect(await signer.sign(Buffer.alloc(4096, 'x'))).toHaveLength(64)
    const asked = server.requests.length
    const error = await findError(signer.sign(Buffer.alloc(4097, 'x')))
    expect(error).toMatchObject({ code: 'ERR_SIGN', reason: 'unsupported-algorithm' })
    expect(error.message).toContain('signs 4096 octets with Ed25519 at most, and these are 4097')
    expect(server.requests).toHaveLength(asked)
  })

  test.each(['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'] as const)(
    'of %s makes a client assertion',
    async (alg) => {
      const signer = await open(server.keys.createKey(keySpecs[alg]), alg)
      const [clientId, issuer] = ['my-client', 'https://op.example']
      const now = Math.floor(Date.now() / 1000)
      const claims = {
        iss: clientId,
        sub: clientId,
        aud: issuer,
        jti: randomUUID(),
        iat: now,
        nbf: now,
        exp: now + 60,
      }
      const input = [{ alg, kid: signer.kid }, claims]
        .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
        .join('.')
      const signature = await signer.sign(Buffer.from(input, 'ascii'))
      const jwt = `${input}.${Buffer.from(signature).toString('base64url')}`
      const verified = await jwtVerify(jwt, await importJWK({ ...signer.publicJwk }, alg), {
        algorithms: [alg],
        audience: issuer,
        issuer: clientId,
        subject: clientId,
        maxTokenAge: 60,
      })
      expect(verified.payload).toEqual(claims)
    },
  )
})

describe('an error of the SDK', () => {
  const failWith = (name: string, others: object = {}) =>
    awsKms({
      keyId: 'alias/login',
      client: { send: () => Promise.reject(Object.assign(new Error('why'), { name }, others)) },
    }).keys()

  test.each([
    ['ThrottlingException', 'throttled'],
    ['LimitExceededException', 'throttled'],
    ['KMSInternalException', 'unavailable'],
    ['KeyUnavailableException', 'unavailable'],
    ['DependencyTimeoutException', 'unavailable'],
    ['TimeoutError', 'timeout'],
    ['AbortError', 'timeout'],
    ['AccessDeniedException', 'denied'],
    ['InvalidSignatureException', 'credentials'],
    ['UnrecognizedClientException', 'credentials'],
    ['ExpiredTokenException', 'credentials'],
    ['CredentialsProviderError', 'credentials'],
    ['TokenProviderError', 'credentials'],
    ['AccessDenied', 'credentials'],
    ['NotFoundException', 'not-found'],
    ['InvalidArnException', 'not-found'],
    ['DisabledException', 'disabled'],
    ['KMSInvalidStateException', 'disabled'],
    ['InvalidKeyUsageException', 'unsupported-algorithm'],
    ['ValidationException', 'unsupported-algorithm'],
    ['UnsupportedOperationException', 'unsupported-algorithm'],
    ['constructor', undefined],
  ])('%s is %s', async (name, reason) => {
    expect(await findError(failWith(name))).toMatchObject({ reason, cause: { name } })
  })

  test('ValidationException is of a name, or of an algorithm', async () => {
    const { message } = await findError(failWith('ValidationException'))
    expect(message).toMatch(/: check the name of the key, and "alg"$/)
  })

  test.each([
    [{ code: 'ECONNREFUSED' }, 'unavailable'],
    [{ code: 'ENOTFOUND' }, 'unavailable'],
    [{ code: 'EAI_AGAIN' }, 'unavailable'],
    [{ code: 'CERT_HAS_EXPIRED' }, 'unavailable'],
    [{ code: 'ETIMEDOUT' }, 'timeout'],
    [{ $fault: 'server' }, 'unavailable'],
    [{ $fault: 'client' }, undefined],
    [{}, undefined],
  ])('with %o is %s', async (others, reason) => {
    expect((await findError(failWith('Error', others))).reason).toBe(reason)
  })
})
