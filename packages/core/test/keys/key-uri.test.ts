import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { createUriKeySource, isKeyUri } from '../../src/keys/key-uri.ts'
import {
  catchFault,
  expectNothingOf,
  generateEc,
  generateRsa,
  signing,
  toPem,
} from './support/keys.ts'

const settings = { defaultRsaAlg: 'RS256', emit: () => undefined } as const
const open = (uri: string, more = {}) => createUriKeySource(uri, signing, { ...settings, ...more })
const readOne = async (uri: string, more = {}) => (await open(uri, more).keys())[0]

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'key uris-'))
  writeFileSync(join(folder, 'a key.pem'), toPem(generateRsa()))
  const encryption = { cipher: 'aes-256-cbc', passphrase: 'correct horse' }
  const encrypted = generateEc().export({ type: 'pkcs8', format: 'pem', ...encryption })
  writeFileSync(join(folder, 'encrypted.pem'), encrypted)
})
afterAll(() => rmSync(folder, { recursive: true }))
afterEach(() => vi.unstubAllEnvs())

describe('a key URI', () => {
  test('is told from a key', () => {
    const uris = [
      'env:KEY',
      'file:./key.pem',
      ' FILE:/key.pem?alg=PS256',
      'awskms:///alias/x',
      'vault:x',
    ]
    expect(uris.filter(isKeyUri)).toEqual(uris)
    const others = [toPem(generateEc()), '{"kty": "EC"}', 'MIIEvQ', '', 'env', ': env']
    expect(others.filter(isKeyUri)).toEqual([])
  })

  test('names a file by a path or as a URL', async () => {
    const path = join(folder, 'a key.pem')
    for (const uri of [`file:${path}`, pathToFileURL(path).href, `FILE:${encodeURI(path)}`]) {
      expect(open(uri).name).toBe(`file:${path}`)
      expect((await readOne(uri))?.signer.alg).toBe('RS256')
    }
  })

  test('takes ?alg, ?kid, ?nbf and ?exp', async () => {
    vi.stubEnv('TEST_KEY', toPem(generateRsa()))
    const parameters = 'alg=PS256&kid=one&nbf=1700000000&exp=2030-01-01'
    expect(await readOne(`env:TEST_KEY?${parameters}`)).toMatchObject({
      signer: { alg: 'PS256', kid: 'one', hasExplicitKid: true },
      notBefore: 1_700_000_000,
      notAfter: 1_893_456_000,
    })
  })

  test('means "+" where it says "+", in a date and in a name', async () => {
    vi.stubEnv('TEST_KEY', toPem(generateRsa()))
    const key = await readOne('env:TEST_KEY?nbf=2020-01-01T00:00:00+02:00&kid=a+b%2Bc%20d')
    expect(key).toMatchObject({ signer: { kid: 'a+b+c d' }, notBefore: 1_577_829_600 })
  })

  test('gives way to what is configured beside it', async () => {
    vi.stubEnv('TEST_KEY', toPem(generateRsa()))
    const more = { alg: 'PS512', kid: 'two', notBefore: 1, notAfter: 2 }
    expect(await readOne('env:TEST_KEY?alg=PS256&kid=one&nbf=2020-01-01', more)).toMatchObject({
      signer: { alg: 'PS512', kid: 'two' },
      notBefore: 1,
      notAfter: 2,
    })
  })

  test('says where the passphrase is', async () => {
    vi.stubEnv('TEST_PASSPHRASE', 'correct horse')
    const key = await readOne(`file:${folder}/encrypted.pem?passphrase=env:TEST_PASSPHRASE`)
    expect(key?.signer.alg).toBe('ES256')
  })
})

describe('a key URI is refused', () => {
  const algs = 'RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519'
  const all = 'alg, kid, nbf, exp, passphrase'
  const time = 'must be a NumericDate (seconds) or an ISO 8601 date with its zone'
  test.each<[string, string]>([
    ['flie:./key.pem', '"flie:" is not a scheme that is known: did you mean "file:"?'],
    ['envv:KEY', '"envv:" is not a scheme that is known: did you mean "env:"?'],
    ['awskm:///alias/x', '"awskm:" is not a scheme that is known: did you mean "awskms:"?'],
    [
      'https://x.example',
      '"https:" is not a scheme that is known: there are env:, file:, awskms:, gcpkms:, azurekms:, hashivault:, pkcs11:',
    ],
    ['env:', '"env:" names nothing: env:NAME'],
    ['file:?alg=RS256', '"file:" names nothing: file:./key.pem'],
    [
      'file://host/key.pem',
      '"file:" takes a path on this machine: file:./key.pem, file:///abs/key.pem',
    ],
    ['file:./100%.pem', '"file:" takes a path as in a URL, where "%" is written "%25"'],
    ['env:K?algo=RS256', 'has the unknown parameter "algo": did you mean "alg"?'],
    ['env:K?colour=red', `has an unknown parameter: there are ${all}`],
    ['env:K?alg=RS256&alg=PS256', 'has the parameter "alg" twice'],
    ['env:K?alg=HS256', `"alg" must be one of ${algs}`],
    ['env:K?kid=', '"kid" must not be empty'],
    ['env:K?nbf=soon', `"nbf" ${time}`],
    ['env:K?exp=2020-01-01T00:00:00', `"exp" ${time}`],
    ['env:K?passphrase=horse', '"passphrase" must say where it is (env:NAME), not what it is'],
    ['env:K?passphrase=env:NO_SUCH', '"passphrase" names the variable NO_SUCH, which is not set'],
    ['env:NO_SUCH', 'names the variable NO_SUCH, which is not set'],
    ['file:/no/such.pem', '/no/such.pem cannot be read (ENOENT)'],
  ])('%s', (uri, message) => {
    expect(catchFault(() => open(uri))).toMatchObject({ code: 'ERR_KEY_UNAVAILABLE', message })
  })

  test('that is followed by the key itself', () => {
    const pem = toPem(generateEc())
    const base64 = Buffer.from(pem).toString('base64')
    const fault = catchFault(() => open(`env:${base64}`))
    expect(fault.message).toBe('"env:" is followed by the key itself: leave "env:" away')
    expectNothingOf(base64, fault)
  })

  test('that is followed by a piece of a key, which is not repeated', () => {
    const piece = 'q83vEjRWeJq7zN3u_wARIjNEVWZ3iJmqu8zd7v-ABC'
    const fault = catchFault(() => open(`file:${piece}`))
    expect(fault).toMatchObject({
      code: 'ERR_KEY_UNAVAILABLE',
      message: '"file:" is followed by what is no file, and looks like a piece of a key',
    })
    expectNothingOf(piece, fault)
  })
})
