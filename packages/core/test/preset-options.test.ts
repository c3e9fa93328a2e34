import { describe, expect, test } from 'vitest'
import { dropUndefined } from '../src/base/objects.ts'
import { readConfig } from '../src/config.ts'
import { createLocalSigner } from '../src/keys/local-signer.ts'
import { presets } from '../src/provider/presets.ts'
import { one } from './keys/support/certificates.ts'
import { generateEc, generateEd25519, generateRsa, toPem } from './keys/support/keys.ts'
import { buildOptions, configure, findFaults } from './support/options.ts'

type Overrides = Readonly<Record<string, unknown>>

const rsa = toPem(generateRsa())
const ec = toPem(generateEc())

function readFaults(overrides: Overrides): readonly string[] {
  return findFaults({ clientKey: rsa, ...overrides }).map(
    ({ path, message }) => `${path}: ${message}`,
  )
}

function readProvider(overrides: Overrides) {
  const [provider] = configure({ clientKey: rsa, ...overrides }).providers
  if (!provider) throw new Error('there is no provider')
  return provider
}

const jikoSays = `(${presets.jiko.sources[0]})`

/** A preset of one's own with all that seed providers do not have. */
const strict = {
  ...presets.jiko,
  name: 'strict',
  title: 'Strict',
  sources: ['https://strict.example/docs'],
  issuer: {
    default: 'https://strict.example',
    example: 'https://strict.example',
    refused: { pattern: '/common$', reason: 'names nobody' },
  },
  clientAuth: ['private_key_jwt', 'client_secret_post'],
  assertion: {
    ...presets.jiko.assertion,
    kid: 'thumbprint',
    kidRule: 'required',
    certificate: 'x5t#S256',
    issuer: { name: 'Team ID', example: 'ABC' },
    lifetime: 30,
    clockTolerance: 5,
    backdate: 5,
    required: ['iat', 'nbf', 'jti'],
    ignored: [],
    isTypOptional: false,
  },
  authorization: {
    defaults: { scope: 'openid', prompt: 'select_account' },
    required: ['acr_values'],
    refusedScopes: ['profile'],
    responseModes: ['query'],
    prompts: ['select_account'],
  },
  acr: { levels: ['low', 'high'] },
  isIdTokenEncrypted: true,
  idTokenAlgs: ['ES256'],
}

const content = {
  provider: strict,
  issuer: undefined,
  assertion: { certificate: one, issuer: 'ABC' },
  authorization: { acr_values: 'high' },
  idToken: { decryptionKey: toPem(generateEc()) },
}

describe('a preset fills in', () => {
  test('what Jiko demands', () => {
    const { assertion, preset, issuer } = readProvider({ provider: 'jiko' })
    expect(preset).toBe(presets.jiko)
    expect(issuer).toBe('https://op.example')
    expect(assertion).toMatchObject({
      audience: 'token_endpoint',
      kid: false,
      typ: 'JWT',
      lifetime: 60,
      header: {},
      claims: {},
    })
  })

  test('the algorithm of an RSA key that names none', async () => {
    const [source] = readProvider({ provider: 'jiko' }).keySources
    const [key] = (await source?.keys()) ?? []
    expect(key?.signer.alg).toBe('PS256')
  })

  test('the issuer, the lifetime, the moments and the algorithms of a preset of one’s own', () => {
    const { assertion, issuer, idToken } = readProvider(content)
    expect(issuer).toBe('https://strict.example')
    expect(idToken.algs).toEqual(['ES256'])
    expect(assertion).toMatchObject({
      lifetime: 30,
      backdate: 5,
      hasNotBefore: true,
      certificateHeader: 'x5t#S256',
      issuer: 'ABC',
    })
  })

  test('by another name of the same provider', () => {
    expect(readProvider({ provider: 'idura' }).preset).toBe(presets.criipto)
  })

  test('for one of several providers, and for all of them', () => {
    const { issuer: _, clientId: __, ...shared } = buildOptions({ clientKey: rsa })
    const { providers } = readConfig(
      {
        ...shared,
        provider: 'jiko',
        providers: {
          a: { issuer: 'https://a.example', clientId: 'a' },
          b: { issuer: 'https://b.example', clientId: 'b', provider: 'auth0' },
        },
      },
      { clock: { now: () => 1_700_000_000 }, emit: () => {} },
    )
    expect(providers.map(({ preset }) => preset?.name)).toEqual(['jiko', 'auth0'])
  })
})

describe('an option that is given wins', () => {
  test('over what the preset fills in', () => {
    const { assertion, clientAuth } = readProvider({
      provider: 'auth0',
      assertion: { audience: 'https://login.example/', lifetime: 300, kid: 'theirs' },
    })
    expect(clientAuth).toBe('private_key_jwt')
    expect(assertion).toMatchObject({
      audience: 'https://login.example/',
      lifetime: 300,
      kid: 'theirs',
    })
  })

  test('an algorithm among those accepted', async () => {
    const clientKey = [{ key: rsa, alg: 'PS256' }]
    const [source] = readProvider({ provider: 'auth0', clientKey }).keySources
    const [key] = (await source?.keys()) ?? []
    expect(key?.signer.alg).toBe('PS256')
  })
})

describe('what is not there is not meant', () => {
  test('in "assertion", "idToken" and "authorization"', () => {
    const { assertion, idToken } = readProvider({
      ...content,
      assertion: { ...content.assertion, lifetime: undefined, audience: undefined },
      idToken: { ...content.idToken, alg: undefined },
      authorization: { ...content.authorization, prompt: undefined },
    })
    expect([assertion.lifetime, assertion.audience, idToken.algs]).toEqual([
      30,
      'token_endpoint',
      ['ES256'],
    ])
  })

  test('and "typ" can be switched off where none is demanded', () => {
    const { assertion } = readProvider({ provider: 'duende', assertion: { typ: false } })
    expect(assertion.typ).toBe(false)
    expect(readFaults({ provider: 'criipto', assertion: { typ: false } })).toEqual([])
  })
})

describe('a key', () => {
  const apple = { provider: 'apple', issuer: undefined, assertion: { issuer: 'ABCDE12345' } }
  const appleSays = `(${presets.apple.sources[0]})`

  test('without a name, where the provider has given it one, is a fault', () => {
    expect(readFaults({ ...apple, clientKey: ec })).toEqual([
      `clientKey: has no name, and Sign in with Apple gives each key one: add it ("?kid=…") ${appleSays}`,
    ])
    expect(readFaults({ ...apple, clientKey: [{ key: ec, kid: 'KEY1234567' }] })).toEqual([])
    const named = { issuer: 'ABCDE12345', kid: 'KEY1234567' }
    expect(readFaults({ ...apple, clientKey: ec, assertion: named })).toEqual([])
  })

  test('of Ed25519 has two names for one algorithm', () => {
    const edwards = toPem(generateEd25519())
    for (const algs of [['EdDSA'], ['Ed25519']]) {
      const provider = { ...presets.jiko, assertion: { ...presets.jiko.assertion, algs } }
      for (const alg of ['EdDSA', 'Ed25519']) {
        expect(readFaults({ provider, clientKey: [{ key: edwards, alg }] })).toEqual([])
      }
    }
  })

  test('that is a Signer is looked at from the start', () => {
    const clientKey = createLocalSigner({ key: generateEc(), alg: 'ES256', kid: undefined })
    expect(readFaults({ provider: 'jiko', clientKey })).toEqual([
      `clientKey: signs with ES256, and Jiko accepts PS256 or EdDSA ${jikoSays}`,
    ])
  })
})

test('levels are held to, whatever else is demanded of a request', () => {
  const provider = { ...presets.criipto, authorization: undefined, acr: { levels: ['low'] } }
  const faults = readFaults({
    provider: dropUndefined(provider),
    authorization: { acr_values: 'lower' },
  })
  expect(faults).toEqual([
    `authorization.acr_values: has "lower", and there are low (${presets.criipto.sources[0]})`,
  ])
})

test('an option of another shape is one fault, and not two', () => {
  expect(readFaults({ provider: 'jiko', issuer: 42 })).toEqual([
    'issuer: must be (string | URL), and is a number',
  ])
})

test('the lifetime that is sent is never above the limit, whatever a preset has', () => {
  const read = (lifetime: number | undefined, maxLifetime: number) => {
    const assertion = dropUndefined({ ...presets.criipto.assertion, lifetime, maxLifetime })
    return readProvider({ provider: { ...presets.criipto, assertion } }).assertion.lifetime
  }
  expect([read(120, 45), read(undefined, 45), read(30, 45)]).toEqual([45, 45, 30])
})

test('the lifetime of a preset of one’s own is sent as it is', () => {
  const assertion = { ...presets.criipto.assertion, lifetime: 120, maxLifetime: undefined }
  const provider = { ...presets.criipto, assertion: dropUndefined(assertion) }
  expect(readProvider({ provider }).assertion.lifetime).toBe(120)
})

test('a shared secret is held to the lifetime, and not to the keys', () => {
  const clientAuth = { method: 'client_secret_jwt', secret: 'x' }
  const faults = readFaults({
    provider: 'keycloak',
    clientKey: undefined,
    clientAuth,
    assertion: { lifetime: 600 },
  })
  expect(faults).toEqual([
    `assertion.lifetime: is 600 s, and Keycloak accepts at most 60 s (${presets.keycloak.sources[0]})`,
  ])
})

describe('a fault is', () => {
  test.each([
    ['a name that is a letter off', 'jko', 'is not the name of a provider: did you mean "jiko"?'],
    ['an object without what it needs', { name: 'x' }, 'is required'],
  ])('%s', (_, provider, message) => {
    const faults = findFaults({ provider })
    expect(faults[0]?.message).toBe(message)
    expect(faults[0]?.path).toMatch(/^provider/)
  })

  test('a name that is like no other, with all that there are', () => {
    const [fault] = readFaults({ provider: 'facebook' })
    expect(fault).toMatch(
      /^provider: is not the name of a provider: there are (?:[a-z0-9-]+, )+signicat/,
    )
  })

  test('a missing issuer, with how it may look there, which no document is cited for', () => {
    expect(readFaults({ provider: 'auth0', issuer: undefined })).toEqual([
      'issuer: is required: at Auth0, such as https://{tenant}.auth0.com/',
    ])
  })

  test.each<readonly [string, Overrides, readonly string[]]>([
    [
      'a key that signs with another algorithm',
      { clientKey: ec },
      [`clientKey: signs with ES256, and Jiko accepts PS256 or EdDSA ${jikoSays}`],
    ],
    [
      'an algorithm that is named',
      { clientKey: [{ key: rsa, alg: 'RS256' }] },
      [`clientKey[0].key: signs with RS256, and Jiko accepts PS256 or EdDSA ${jikoSays}`],
    ],
    [
      'a client secret',
      { clientKey: undefined, clientAuth: { method: 'client_secret_basic', secret: 'x' } },
      [`clientAuth: is "client_secret_basic", and Jiko takes private_key_jwt only ${jikoSays}`],
    ],
    [
      'another audience',
      { assertion: { audience: 'issuer' } },
      [`assertion.audience: is "issuer", and Jiko accepts token_endpoint only ${jikoSays}`],
    ],
    [
      'a longer lifetime',
      { assertion: { lifetime: 301 } },
      [`assertion.lifetime: is 301 s, and Jiko accepts at most 300 s ${jikoSays}`],
    ],
    [
      'another typ',
      { assertion: { typ: 'at+jwt' } },
      [`assertion.typ: is "at+jwt", and Jiko accepts JWT only ${jikoSays}`],
    ],
    [
      'no typ',
      { assertion: { typ: false } },
      [`assertion.typ: cannot be false: Jiko accepts JWT only ${jikoSays}`],
    ],
    [
      'a kid where keys have none',
      { assertion: { kid: 'thumbprint' } },
      [`assertion.kid: must be false: keys that are registered at Jiko have no "kid" ${jikoSays}`],
    ],
  ])('at Jiko: %s', (_, overrides, expected) => {
    expect(readFaults({ provider: 'jiko', ...overrides })).toEqual(expected)
  })

  const says = '(https://strict.example/docs)'
  test.each<readonly [string, Overrides, readonly string[]]>([
    [
      'an issuer that cannot work',
      { issuer: 'https://x.example/common' },
      [`issuer: names nobody ${says}`],
    ],
    [
      'no kid where it is required',
      { assertion: { ...content.assertion, kid: false } },
      [`assertion.kid: cannot be false: Strict finds the key by its "kid" ${says}`],
    ],
    [
      'no certificate and no Team ID',
      { assertion: {} },
      [
        `assertion.certificate: is required: Strict knows the key by its certificate ("x5t#S256") ${says}`,
        `assertion.issuer: is required: the Team ID, such as "ABC" ${says}`,
      ],
    ],
    [
      'no acr_values',
      { authorization: {} },
      [`authorization.acr_values: is required by Strict ${says}`],
    ],
    [
      'a level that is none',
      { authorization: { acr_values: 'high higher' } },
      [`authorization.acr_values: has "higher", and there are low, high ${says}`],
    ],
    [
      'a scope, a response mode and a prompt that are refused',
      {
        authorization: {
          acr_values: 'low',
          scope: 'openid profile',
          response_mode: 'form_post',
          prompt: 'login',
        },
      },
      [
        `authorization.scope: must not have "profile", which Strict refuses ${says}`,
        `authorization.response_mode: is "form_post", and Strict accepts query only ${says}`,
        `authorization.prompt: is "login", and Strict accepts select_account only ${says}`,
      ],
    ],
    [
      'no key to decrypt with',
      { idToken: {} },
      [`idToken.decryptionKey: is required: Strict encrypts ID Tokens for a key of yours ${says}`],
    ],
    [
      'a certificate that is none',
      { assertion: { ...content.assertion, certificate: 'x' } },
      [
        'assertion.certificate: holds no certificate: a PEM begins with -----BEGIN CERTIFICATE-----',
      ],
    ],
  ])('at a preset of one’s own: %s', (_, overrides, expected) => {
    expect(readFaults({ ...content, ...overrides })).toEqual(expected)
  })

  test('a key where there is none to register', () => {
    const { assertion: _, ...rest } = strict
    const provider = { ...rest, clientAuth: ['client_secret_post'] }
    expect(readFaults({ ...content, provider, assertion: undefined })).toEqual([
      `clientKey: is of no use: Strict takes client_secret_post only, and no key ${says}`,
    ])
    expect(
      readFaults({ ...content, provider, clientKey: undefined, assertion: undefined }),
    ).toEqual([`clientAuth: is required: Strict takes client_secret_post only ${says}`])
  })
})
