import { createPublicKey, webcrypto } from 'node:crypto'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { readClientKey } from '../../src/keys/client-key.ts'
import { createLocalSigner } from '../../src/keys/local-signer.ts'
import { buildPublicJwk } from '../../src/keys/public-jwk.ts'
import type { KeySource } from '../../src/keys/signer.ts'
import {
  generateEc,
  generateEd25519,
  generateRsa,
  readOption,
  toJwk,
  toPem,
} from './support/keys.ts'

const context = { path: 'clientKey', defaultRsaAlg: 'RS256' as const, emit: () => undefined }
const key = generateEc()
const other = generateEc()
const publicJwk = buildPublicJwk(key)
const signer = createLocalSigner({ key, alg: 'ES256' })
const cryptoKey = () =>
  webcrypto.subtle.importKey('jwk', toJwk(key), { name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign',
  ])

afterEach(() => void vi.unstubAllEnvs())

describe('the option "clientKey" takes', () => {
  test.each<[string, () => unknown]>([
    ['a PEM', () => toPem(key)],
    ['a JWK', () => toJwk(key)],
    ['a JWK as text', () => JSON.stringify(toJwk(key))],
    ['a JWK Set', () => ({ keys: [toJwk(key)] })],
    ['a KeyObject', () => key],
    ['a CryptoKey', cryptoKey],
    ['a Signer', () => signer],
    ['a KeySource', () => ({ name: 'mine', keys: async () => [{ signer }] })],
    ['a KeySource without a name', () => ({ keys: async () => [{ signer }] })],
    ['a list', () => [key]],
    ['a list of entries', () => [{ key: toPem(key) }]],
  ])('%s', async (_, build) => {
    const { keys, issues } = await readOption(await build())
    expect(issues).toEqual([])
    expect(keys.map((timed) => timed.signer.publicJwk)).toEqual([publicJwk])
    expect(keys[0]?.signer.alg).toBe('ES256')
  })

  test('several keys, each with what is said about it', async () => {
    const { keys, issues } = await readOption([
      { key: generateRsa(), alg: 'PS256', kid: 'one', notAfter: new Date(2_000_000_000_000) },
      { key: toPem(key), notBefore: '2030-01-01' },
      generateEd25519(),
    ])
    expect(issues).toEqual([])
    expect(keys).toMatchObject([
      { signer: { alg: 'PS256', kid: 'one', hasExplicitKid: true }, notAfter: 2_000_000_000 },
      { signer: { alg: 'ES256', hasExplicitKid: false }, notBefore: 1_893_456_000 },
      { signer: { alg: 'EdDSA' } },
    ])
  })

  test('a KeySource, held to the times that are configured for it, and closed with ours', async () => {
    const source = { keys: async () => [{ signer, notBefore: 1, notAfter: 9 }] }
    const { keys } = await readOption([{ key: source, notAfter: 5 }])
    expect(keys).toEqual([{ signer, notBefore: 1, notAfter: 5 }])
  })

  test.each([
    [{}, 10, 20],
    [{ notBefore: 5, notAfter: 25 }, 10, 20],
    [{ notBefore: 15, notAfter: 18 }, 15, 18],
  ])(
    'the times of a KeySource made narrower by %j, and never wider',
    async (times, ...expected) => {
      const source = { keys: async () => [{ signer, notBefore: 10, notAfter: 20 }] }
      const { keys } = await readOption([{ key: source, ...times }])
      expect(keys.map(({ notBefore, notAfter }) => [notBefore, notAfter])).toEqual([expected])
    },
  )

  test('a KeySource, which is asked as ours are', async () => {
    const keys = vi.fn<KeySource['keys']>(async () => [{ signer }])
    const { sources } = readClientKey([{ key: { keys } }], context)
    const request = { renew: true, report: () => undefined }
    await sources[0]?.keys(request)
    expect(keys).toHaveBeenCalledExactlyOnceWith(request)
  })

  test('several URIs in one text, each with its own times', async () => {
    vi.stubEnv('TEST_OLD_KEY', toPem(key)).stubEnv('TEST_NEW_KEY', toPem(other))
    const { keys, issues } = await readOption('env:TEST_OLD_KEY\n env:TEST_NEW_KEY?nbf=2030-01-01')
    expect(issues).toEqual([])
    expect(keys.map(({ notBefore }) => notBefore)).toEqual([undefined, 1_893_456_000])
    const wrong = await readOption('env:TEST_OLD_KEY env:NO_SUCH')
    expect(wrong.issues).toEqual([
      { path: 'clientKey[1]', message: 'names the variable NO_SUCH, which is not set' },
    ])
  })
})

describe('a value of the option "clientKey" is refused', () => {
  const forms =
    'must be a URI (file:./key.pem, env:NAME), a PEM, a JWK, a JWK Set, a KeyObject, a CryptoKey, a ' +
    'Signer or a KeySource'
  const own = 'is a Signer or a KeySource, which has its own "alg" and "kid": leave them away'
  test.each<[string, unknown, string, string]>([
    ['of nothing', null, 'clientKey', forms],
    ['of a number', 5, 'clientKey', forms],
    ['of an object that says nothing', { a: 1 }, 'clientKey', forms],
    ['of an empty list', [], 'clientKey', 'must hold at least one key'],
    ['of a list in a list', [[key]], 'clientKey[0]', forms],
    [
      'of an entry outside a list',
      { key },
      'clientKey',
      'is an entry of a list: write [{ key: … }]',
    ],
    [
      'of an entry whose "key" is misspelled',
      [{ kee: toPem(key) }],
      'clientKey[0]',
      'has the unknown member "kee": did you mean "key"?',
    ],
    [
      'of a public KeyObject',
      createPublicKey(key),
      'clientKey',
      'is a public key, and the private key is needed',
    ],
    ['of an entry with a Signer and "kid"', [{ key: signer, kid: 'x' }], 'clientKey[0].key', own],
    [
      'of an entry with a KeySource and "alg"',
      [{ key: { keys: async () => [] }, alg: 'ES256' }],
      'clientKey[0].key',
      own,
    ],
    [
      'of a Signer with an algorithm of its own',
      { ...signer, alg: 'HS256' },
      'clientKey',
      'is a Signer whose "alg" is none of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ' +
        'ES512, EdDSA, Ed25519',
    ],
    [
      'of a Signer without "kid"',
      { ...signer, kid: '' },
      'clientKey',
      'is a Signer without a "kid"',
    ],
    [
      'of a Signer that hands out its private key',
      { ...signer, publicJwk: toJwk(key) },
      'clientKey',
      'is a Signer whose "publicJwk" holds the private key',
    ],
    [
      'of a Signer without a public key',
      { ...signer, publicJwk: { kty: 'EC' } },
      'clientKey',
      'is a Signer whose "publicJwk" is not a public JWK',
    ],
    [
      'of a Signer whose key is not for its algorithm',
      { ...signer, alg: 'ES384' },
      'clientKey',
      '"ES384" needs the curve secp384r1, and this key is ec prime256v1',
    ],
    [
      'of one "kid" for several keys',
      [{ key: { keys: [toJwk(key), toJwk(other)] }, kid: 'k' }],
      'clientKey[0].key',
      'has several keys, which cannot all be named by one "kid"',
    ],
    [
      'of a JWK Set with one "kid" for different keys',
      { keys: [key, other].map((each) => ({ ...toJwk(each), kid: 'k' })) },
      'clientKey',
      'has different keys with the "kid" "k"',
    ],
    [
      'of entries with one "kid" for different keys',
      [
        { key, kid: 'k' },
        { ...toJwk(other), kid: 'k' },
      ],
      'clientKey[1]',
      'has the "kid" "k", which names another key already: choose another',
    ],
  ])('%s', async (_, value, path, message) => {
    const { issues, keys } = await readOption(value)
    expect(issues).toEqual([{ path, message }])
    expect(keys.length).toBe(path === 'clientKey[1]' ? 1 : 0)
  })

  test('with all its faults at once, each with its path', async () => {
    const { issues } = await readOption([
      { key: 'file:/no/such.pem', algo: 'PS256', kid: '', notBefore: '2030-01-01T00:00' },
      { key: toPem(key), alg: 'ES257', notBefore: 9, notAfter: 9 },
      { key: 'env:NO_SUCH_KEY', colour: 'red' },
      toPem(other),
    ])
    const algs = 'RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519'
    const time = 'must be a NumericDate (seconds), an ISO 8601 date with its zone, or a Date'
    expect(issues).toEqual([
      { path: 'clientKey[0].algo', message: 'is not an option: did you mean "alg"?' },
      { path: 'clientKey[0].notBefore', message: time },
      { path: 'clientKey[0].kid', message: 'must be a text' },
      { path: 'clientKey[0].key', message: '/no/such.pem cannot be read (ENOENT)' },
      { path: 'clientKey[1].alg', message: `must be one of ${algs}` },
      { path: 'clientKey[1].notAfter', message: 'must be later than "notBefore"' },
      { path: 'clientKey[2].colour', message: 'is not an option' },
      { path: 'clientKey[2].key', message: 'names the variable NO_SUCH_KEY, which is not set' },
    ])
  })
})

test('one key under one "kid" may be there twice, for two algorithms', async () => {
  const rsa = generateRsa()
  const { issues, keys } = await readOption([
    { key: rsa, alg: 'RS256' },
    { key: rsa, alg: 'PS256' },
  ])
  expect(issues).toEqual([])
  expect(keys.map((timed) => timed.signer.alg)).toEqual(['RS256', 'PS256'])
})
