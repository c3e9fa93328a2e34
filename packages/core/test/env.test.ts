import { createPrivateKey } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { optionsFromEnv } from '../src/env.ts'
import { ConfigurationError } from '../src/errors.ts'
import { buildPublicJwk, calculateThumbprint } from '../src/keys/public-jwk.ts'
import { presets } from '../src/provider/presets.ts'
import { createRelyingParty } from '../src/relying-party.ts'
import { one } from './keys/support/certificates.ts'
import { catchFault, generateEc, generateRsa, toPem } from './keys/support/keys.ts'
import { pem } from './support/options.ts'

const secret = 'a-session-secret-for-tests-only-and-long-enough'

const encryptionPem = toPem(generateEc())
const thumbprint = calculateThumbprint(buildPublicJwk(createPrivateKey(pem)))

type Variables = Readonly<Record<string, string | undefined>>

const good: Variables = {
  OIDC_ISSUER: 'https://op.example',
  OIDC_CLIENT_ID: 'app',
  OIDC_CLIENT_KEY: pem,
  OIDC_BASE_URL: 'https://app.example',
  OIDC_SESSION_SECRET: secret,
}

const read = (variables: Variables = {}) => optionsFromEnv({ ...good, ...variables })

/** The faults of an environment that differs from a good one in this, as `NAME: message`. */
function findFaults(variables: Variables): readonly string[] {
  const error = catchFault(() => read(variables))
  expect(error.code).toBe('ERR_CONFIGURATION')
  if (!(error instanceof ConfigurationError)) return expect.unreachable(String(error))
  return error.issues.map(({ path, message }) => `${path}: ${message}`)
}

describe('a provider by its name', () => {
  const rsa = toPem(generateRsa())
  const named = { OIDC_PROVIDER: 'jiko', OIDC_CLIENT_KEY: rsa }

  test('becomes the option, and so do the certificate and the issuer of assertions', () => {
    const options = read({
      ...named,
      OIDC_CLIENT_CERT: one,
      OIDC_ASSERTION_ISSUER: 'ABCDE12345',
    })
    expect(options.provider).toBe('jiko')
    expect(options.assertion).toEqual({ certificate: [one], issuer: 'ABCDE12345' })
  })

  test('whose issuer is the only one needs no OIDC_ISSUER', () => {
    const options = read({ ...named, OIDC_PROVIDER: 'govuk-one-login', OIDC_ISSUER: undefined })
    expect(createRelyingParty(options).issuer).toBe('https://oidc.account.gov.uk/')
  })

  test('that takes a client secret in the form is sent it there', () => {
    const options = read({
      OIDC_PROVIDER: 'franceconnect',
      OIDC_CLIENT_KEY: undefined,
      OIDC_CLIENT_SECRET: 'a secret',
      OIDC_ACR_VALUES: 'eidas1',
    })
    expect(options.clientAuth).toEqual({ method: 'client_secret_post', secret: 'a secret' })
  })

  test.each<readonly [Variables, string]>([
    [
      { OIDC_PROVIDER: 'jikko' },
      'OIDC_PROVIDER: is not the name of a provider: did you mean "jiko"?',
    ],
    [
      { ...named, OIDC_ISSUER: '' },
      `OIDC_ISSUER: is required: at Jiko, such as ${presets.jiko.issuer.example}`,
    ],
    [
      { OIDC_PROVIDER: 'jiko' },
      `OIDC_CLIENT_KEY: signs with ES256, and Jiko accepts PS256 or EdDSA (${presets.jiko.sources[0]})`,
    ],
    [
      { ...named, OIDC_CLIENT_CERT: 'file:/nowhere/client.crt' },
      'OIDC_CLIENT_CERT: /nowhere/client.crt cannot be read (ENOENT)',
    ],
  ])('%j is a fault', (variables, fault) => {
    expect(findFaults(variables)).toEqual([fault])
  })
})

describe('the variables', () => {
  test('those that are required make options that work', () => {
    const options = read()
    expect(options).toEqual({
      issuer: 'https://op.example',
      clientId: 'app',
      clientKey: pem.trim(),
      baseUrl: 'https://app.example',
      session: { secret: [secret] },
      userInfo: false,
      authorization: {},
    })
    expect(createRelyingParty(options).issuer).toBe('https://op.example')
  })

  test('each of the others becomes its option', () => {
    const options = read({
      OIDC_CLIENT_ALG: 'ES256',
      OIDC_SCOPE: 'openid offline_access',
      OIDC_ACR_VALUES: 'strong stronger',
      OIDC_USERINFO: '1',
      OIDC_ID_TOKEN_ALG: 'PS256, ES256 EdDSA',
      OIDC_CLIENT_ENCRYPTION_KEY: ` ${encryptionPem}`,
    })
    expect(options.clientKey).toEqual([{ key: pem.trim(), alg: 'ES256' }])
    expect(options.authorization).toEqual({
      scope: 'openid offline_access',
      acr_values: 'strong stronger',
    })
    expect(options.userInfo).toBe(true)
    expect(options.idToken).toEqual({
      alg: ['PS256', 'ES256', 'EdDSA'],
      decryptionKey: encryptionPem.trim(),
    })
    expect(() => createRelyingParty(options)).not.toThrow()
  })

  test('a client secret instead of a key is sent as client_secret_basic', () => {
    const options = read({ OIDC_CLIENT_KEY: '', OIDC_CLIENT_SECRET: 'hunter2' })
    expect(options.clientAuth).toEqual({ method: 'client_secret_basic', secret: 'hunter2' })
    expect(options).not.toHaveProperty('clientKey')
  })

  test('OIDC_USERINFO=0 is the default, and space around a value is none of it', () => {
    const options = read({ OIDC_USERINFO: '0', OIDC_CLIENT_ID: ' app\n' })
    expect(options).toMatchObject({ userInfo: false, clientId: 'app' })
  })

  test('OIDC_SESSION_SECRET is a list: the new secret, and the old ones', () => {
    const [next, last] = ['n'.repeat(32), 'o'.repeat(32)]
    expect(read({ OIDC_SESSION_SECRET: `${next}, ${last}` }).session.secret).toEqual([next, last])
  })

  test('a PEM on one line, with "\\n" for its line ends, is a key', () => {
    const options = read({ OIDC_CLIENT_KEY: pem.replaceAll('\n', '\\n') })
    expect(() => createRelyingParty(options)).not.toThrow()
  })
})

describe('a variable that is not one of ours', () => {
  test.each([
    ['OIDC_ISUER', 'OIDC_ISSUER'],
    ['OIDC_CLIENTID', 'OIDC_CLIENT_ID'],
    ['OIDC_SCOPES', 'OIDC_SCOPE'],
    ['OIDC_BASEURL', 'OIDC_BASE_URL'],
    ['OIDC_USER_INFO', 'OIDC_USERINFO'],
    ['OIDC_SESION_SECRET', 'OIDC_SESSION_SECRET'],
    ['OIDCISSUER', 'OIDC_ISSUER'],
  ])('%s is answered with a did-you-mean', (name, meant) => {
    expect(findFaults({ [name]: 'x' })).toEqual([
      `${name}: is not a variable of ours: did you mean ${meant}?`,
    ])
  })

  test("somebody else's OIDC_* variables are left alone", () => {
    const others = { OIDC_RP_SIGN_ALGO: 'x', OIDC_PROVIDER_LIST: 'x', OIDC_FOO: 'x', ISSUER: 'x' }
    expect(read(others)).toEqual(read())
  })

  test.each(['OIDC_PROFILE'])('%s, which is reserved, is not ignored without a word', (name) => {
    expect(findFaults({ [name]: 'x' })).toEqual([`${name}: is not supported by this version`])
    expect(read({ [name]: '' })).toEqual(read())
  })
})

describe('faults', () => {
  test('an empty environment is told everything that it lacks', () => {
    const { message } = catchFault(() => optionsFromEnv({}))
    expect(message).toBe(
      [
        'the configuration has 5 faults:',
        '  OIDC_ISSUER: is required',
        '  OIDC_CLIENT_ID: is required',
        '  OIDC_BASE_URL: is required',
        '  OIDC_SESSION_SECRET: is required',
        '  OIDC_CLIENT_KEY: is required: file:./key.pem, env:NAME, a key store (awskms:///alias/login), or the PEM or JWK itself',
      ].join('\n'),
    )
  })

  test.each([
    [
      'OIDC_ISSUER',
      'http://op.example',
      'must be https; plain http is for loopback addresses only (localhost, 127.0.0.1, [::1])',
    ],
    [
      'OIDC_BASE_URL',
      'app.example',
      'must be an absolute URL such as "https://example.com", and is "app.example"',
    ],
    ['OIDC_CLIENT_KEY', 'file:/nowhere/key.pem', '/nowhere/key.pem cannot be read (ENOENT)'],
    [
      'OIDC_CLIENT_KEY',
      'env:NOT_SET_ANYWHERE',
      'names the variable NOT_SET_ANYWHERE, which is not set',
    ],
    [
      'OIDC_CLIENT_ALG',
      'HS256',
      'must be one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519',
    ],
    ['OIDC_SCOPE', 'profile', 'must contain "openid", or no ID Token is issued'],
    ['OIDC_ID_TOKEN_ALG', 'HS256', '"HS256" needs a client secret ("clientAuth")'],
    ['OIDC_USERINFO', 'yes', 'must be 1 or 0'],
    ['OIDC_CLIENT_ENCRYPTION_KEY', 'file:/nowhere.pem', '/nowhere.pem cannot be read (ENOENT)'],
    [
      'OIDC_CLIENT_ENCRYPTION_KEY',
      'file:/nowhere.pem\nfile:/nowhere.pem?alg=RSA1_5',
      '/nowhere.pem cannot be read (ENOENT)',
      '"alg" must be one of RSA-OAEP-256, RSA-OAEP, ECDH-ES+A256KW, ECDH-ES+A128KW, ECDH-ES',
    ],
    [
      'OIDC_CLIENT_ENCRYPTION_KEY',
      'gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k',
      '"gcpkms:" names a key store, and decryption in a key store is not supported by this version: ' +
        'use file:./key.pem or env:NAME',
    ],
    [
      'OIDC_CLIENT_ENCRYPTION_KEY',
      pem,
      `has the key or the "kid" of a client key, "${thumbprint}": make a key of its own`,
    ],
    [
      'OIDC_CLIENT_SECRET',
      'hunter2',
      'cannot be used together with OIDC_CLIENT_KEY: remove one of the two',
    ],
  ])('%s=%s is a fault of the variable', (name, value, ...messages) => {
    expect(findFaults({ [name]: value })).toEqual(messages.map((text) => `${name}: ${text}`))
  })

  test('a short secret is a fault of OIDC_SESSION_SECRET, which does not repeat it', () => {
    const [fault, ...others] = findFaults({ OIDC_SESSION_SECRET: 'hunter2' })
    expect(fault).toMatch(/^OIDC_SESSION_SECRET: must have at least 32 characters, and has 7/)
    expect(fault).not.toContain('hunter2')
    expect(others).toEqual([])
  })

  test('an algorithm that the key does not fit is a fault of the key', () => {
    expect(findFaults({ OIDC_CLIENT_ALG: 'RS256' })).toEqual([
      'OIDC_CLIENT_KEY: "RS256" needs a key of type rsa, and this one is ec prime256v1',
    ])
  })

  test('several keys in one variable have one algorithm, and their faults its name', () => {
    const uris = ['awskms:///alias/login', 'awskms:///alias/next?nbf=2030-01-01T00:00:00Z']
    const variables = { OIDC_CLIENT_KEY: uris.join(' '), OIDC_CLIENT_ALG: 'PS256' }
    expect(read(variables).clientKey).toEqual(uris.map((key) => ({ key, alg: 'PS256' })))
    expect(read({ OIDC_CLIENT_KEY: uris.join(' ') }).clientKey).toBe(uris.join(' '))
    expect(findFaults({ ...variables, OIDC_CLIENT_ALG: 'none' })[1]).toMatch(
      /^OIDC_CLIENT_ALG: must be one of RS256/,
    )
    expect(findFaults({ OIDC_CLIENT_KEY: 'awskms:///alias/login gcpkms://key' })).toEqual([
      expect.stringMatching(/^OIDC_CLIENT_KEY: "gcpkms:" is not followed by a key/),
    ])
  })

  test('faults of the variables and of the options they make are told together', () => {
    const faults = findFaults({
      OIDC_ISSUER: 'http://op.example',
      OIDC_CLIENT_ID: undefined,
      OIDC_CLIENT_KEY: 'file:/nowhere/key.pem',
      OIDC_SESSION_SECRET: 'short',
      OIDC_ISUER: 'x',
      OIDC_PROFILE: 'fapi2',
      OIDC_USERINFO: 'yes',
    })
    expect(faults.map((fault) => fault.split(':', 1)[0])).toEqual([
      'OIDC_CLIENT_ID',
      'OIDC_USERINFO',
      'OIDC_ISUER',
      'OIDC_PROFILE',
      'OIDC_ISSUER',
      'OIDC_CLIENT_KEY',
      'OIDC_SESSION_SECRET',
    ])
  })
})
