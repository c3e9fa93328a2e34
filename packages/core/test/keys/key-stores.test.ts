import { describe, expect, test } from 'vitest'
import { keyStores } from '../../src/keys/key-stores.ts'
import { createUriKeySource, splitKeyUris } from '../../src/keys/key-uri.ts'
import { catchFault, expectNothingOf, generateEc, signing, toPem } from './support/keys.ts'

const settings = { defaultRsaAlg: 'RS256', emit: () => undefined } as const
const open = (uri: string) => createUriKeySource(uri, signing, settings)
const algs = 'RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519'

describe('the URI of a key store', () => {
  const gcp = '//projects/p-1/locations/europe-west3/keyRings/r/cryptoKeys/k'
  const arn = 'arn:aws:kms:eu-west-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab'
  const version = '0123456789abcdef0123456789abcdef'
  test.each<[string, Record<string, string>]>([
    ['awskms:///alias/login', { keyId: 'alias/login' }],
    ['AWSKMS:///alias/a/b_c-d', { keyId: 'alias/a/b_c-d' }],
    [`awskms:///${arn}`, { keyId: arn }],
    [
      'awskms:///1234abcd-12ab-34cd-56ef-1234567890ab',
      { keyId: '1234abcd-12ab-34cd-56ef-1234567890ab' },
    ],
    [`awskms:///alias/login-1,${arn}`, { keyId: `alias/login-1,${arn}` }],
    [`gcpkms:${gcp}`, { name: gcp.slice(2) }],
    [`gcpkms:/${gcp}`, { name: gcp.slice(2) }],
    [`gcpkms:${gcp}/cryptoKeyVersions/12`, { name: gcp.slice(2), version: '12' }],
    [`gcpkms:${gcp}/versions/12`, { name: gcp.slice(2), version: '12' }],
    ['azurekms://v.vault.azure.net/login', { vault: 'v.vault.azure.net', name: 'login' }],
    [
      `azurekms://127.0.0.1:8443/keys/login/${version}`,
      { vault: '127.0.0.1:8443', name: 'login', version },
    ],
    ['hashivault://login', { key: 'login' }],
    ['pkcs11:token=My%20token;id=%01%02', { token: 'My%20token', id: '%01%02' }],
  ])('%s', async (uri, parts) => {
    const name = uri.replace(/^[A-Z]+/, (scheme) => scheme.toLowerCase())
    const scheme = name.slice(0, name.indexOf(':'))
    const required = scheme === 'pkcs11' ? '?module-path=/m.so' : ''
    expect(open(`${uri}${required}`).name).toBe(name)
    expect(keyStores[scheme]?.readPlace(uri.slice(scheme.length + 1))).toEqual(parts)
  })

  test.each<[string, string]>([
    ['awskms:alias/x', '"awskms:" is not followed by a key of AWS KMS: awskms:///alias/login'],
    ['awskms://alias/x', '"awskms:" is not followed by a key of AWS KMS: awskms:///alias/login'],
    [
      'gcpkms://projects/x',
      '"gcpkms:" is not followed by a key of Google Cloud KMS: gcpkms://projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY',
    ],
    [
      'azurekms://vault/key/v1',
      '"azurekms:" is not followed by a key of Azure Key Vault: azurekms://VAULT.vault.azure.net/KEY',
    ],
    [
      'hashivault://a/b',
      '"hashivault:" is not followed by a key of Vault Transit: hashivault://KEY?mount=transit',
    ],
    ['pkcs11:token=t', '"pkcs11:" needs the key\'s "object" (its label) or "id"'],
    ['pkcs11:tokn=t;object=k', '"pkcs11:" has an unknown attribute: did you mean "token"?'],
    ['pkcs11:object=k;object=l', '"pkcs11:" has an attribute twice'],
    ['hashivault://k?wiat=3', 'has the unknown parameter "wiat": did you mean "wait"?'],
    ['awskms:///alias/x,', '"awskms:" is not followed by a key of AWS KMS: awskms:///alias/login'],
    ['awskms:///alias/x?delay=3', 'has an unknown parameter: there are alg, kid, nbf, exp, wait'],
    [
      'pkcs11:object=k?pin-value=1234',
      'must say where the PIN is (pin-source=file:/path), not what it is',
    ],
    ...['soon', '-1', '1.5', '1e3', '', '9999999999'].map((wait): [string, string] => [
      `hashivault://k?wait=${wait}`,
      '"wait" must be a whole number of seconds',
    ]),
    ['hashivault://k?version=v1', '"version" must be the number of a version'],
    ['hashivault://k?mount=../x', '"mount" must be the path of a mount, such as "transit"'],
    [
      'pkcs11:object=k',
      '"module-path" must be the path of the PKCS#11 module of the token: module-path=/path/module.so',
    ],
    [
      'pkcs11:object=k?module-path=/m.so&pin-source=1234',
      '"pin-source" must be the place of the PIN: pin-source=file:/path or pin-source=env:NAME',
    ],
    ['awskms:///alias/x?alg=ES257', `"alg" must be one of ${algs}`],
  ])('%s is refused', (uri, message) => {
    expect(catchFault(() => open(uri))).toMatchObject({ code: 'ERR_KEY_UNAVAILABLE', message })
  })

  test('that holds a key is refused without repeating it', () => {
    const base64 = Buffer.from(toPem(generateEc())).toString('base64')
    for (const scheme of Object.keys(keyStores)) {
      expectNothingOf(
        base64,
        catchFault(() => open(`${scheme}:${base64}`)),
      )
    }
  })
})

test.each([
  ['file:./a.pem awskms:///alias/x', ['file:./a.pem', 'awskms:///alias/x']],
  ['  env:A\n\tenv:B?nbf=2030-01-01\n', ['env:A', 'env:B?nbf=2030-01-01']],
  ['file:./my key.pem', ['file:./my key.pem']],
  ['env:A', ['env:A']],
])('%j is as many URIs as it holds', (text, uris) => {
  expect(splitKeyUris(text)).toEqual(uris)
})

describe('"kid" with a name that may stand for another key one day', () => {
  const fault = '"kid" names one key for ever: name the version of the key, or the key itself'
  test.each([
    'awskms:///alias/login',
    'awskms:///arn:aws:kms:eu-west-1:111122223333:alias/login',
    'awskms:///1234abcd-12ab-34cd-56ef-1234567890ab,1234abcd-12ab-34cd-56ef-1234567890ac',
    'gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k',
    'azurekms://v.vault.azure.net/login',
    'hashivault://login',
  ])('%s is refused', (uri) => {
    expect(catchFault(() => open(`${uri}?kid=mine`)).message).toBe(fault)
    const named = { ...settings, kid: 'mine' }
    expect(catchFault(() => createUriKeySource(uri, signing, named)).message).toBe(fault)
  })

  test.each([
    'awskms:///1234abcd-12ab-34cd-56ef-1234567890ab',
    'awskms:///arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
    'gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1',
    'azurekms://v.vault.azure.net/login/0123456789abcdef0123456789abcdef',
    'hashivault://login?version=2',
    'pkcs11:token=t;object=k?module-path=/m.so',
  ])('%s is one key', (uri) => {
    expect(() => open(`${uri}${uri.includes('?') ? '&' : '?'}kid=mine`)).not.toThrow()
  })
})
