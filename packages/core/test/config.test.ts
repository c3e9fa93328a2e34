import { createHook } from 'node:async_hooks'
import { describe, expect, test, vi } from 'vitest'
import { clientSecretBasic } from '../src/client/authentication.ts'
import { ConfigurationError } from '../src/errors.ts'
import { createLocalSigner } from '../src/keys/local-signer.ts'
import { createRelyingParty } from '../src/relying-party.ts'
import { catchFault, generateEc, toJwk } from './keys/support/keys.ts'
import { buildOptions, configure, findFaults, secret } from './support/options.ts'

type Overrides = Readonly<Record<string, unknown>>

function readIssues(overrides: Overrides): ConfigurationError['issues'] {
  const error = catchFault(() => configure(overrides))
  if (error instanceof ConfigurationError) return error.issues
  return expect.unreachable(String(error))
}

describe('every fault at once', () => {
  const overrides = {
    issuer: 'http://op.example',
    clientId: '',
    clientKey: undefined,
    baseUrl: undefined,
    session: { secret: 'hunter2', idleTimout: 5, cookie: { nam: 'x' } },
    authorization: { scope: 'profile', state: 'x' },
    routes: { login: '/x', logout: '/x' },
    isuer: 'x',
  }

  test('all of them are in one ConfigurationError', () => {
    expect(readIssues(overrides).map(({ path }) => path)).toEqual([
      'clientId',
      'baseUrl',
      'session.cookie.nam',
      'session.idleTimout',
      'isuer',
      'issuer',
      'authorization.state',
      'authorization.scope',
      'clientKey',
      'routes.logout',
    ])
  })

  test('the message lists them, a line each, under their number', () => {
    const error = catchFault(() => createRelyingParty(buildOptions(overrides)))
    expect(error).toBeInstanceOf(ConfigurationError)
    expect(error.code).toBe('ERR_CONFIGURATION')
    expect(error.message.split('\n')).toHaveLength(11)
    expect(error.message).toContain('the configuration has 10 faults:\n  clientId: must not be')
    expect(error.message).toContain('\n  isuer: is not an option: did you mean "issuer"?\n')
    expect(error.publicMessage).not.toContain('clientId')
  })

  test('a single fault is called one', () => {
    const { code, message } = catchFault(() => configure({ clientId: undefined }))
    expect(code).toBe('ERR_CONFIGURATION')
    expect(message).toBe('the configuration has a fault:\n  clientId: is required')
  })
})

describe('an unknown option', () => {
  test.each<[string, Overrides, string]>([
    ['isuer', { isuer: 1 }, 'issuer'],
    ['clientID2', { clientID2: 1 }, 'clientId'],
    ['session.idleTimout', { session: { secret, idleTimout: 1 } }, 'idleTimeout'],
    ['session.cookie.samesite', { session: { secret, cookie: { samesite: 'lax' } } }, 'sameSite'],
    ['routes.logn', { routes: { logn: '/x' } }, 'login'],
    ['idToken.algs', { idToken: { algs: 'x' } }, 'alg'],
    ['http.timout', { http: { timout: 1 } }, 'timeout'],
    ['assertion.audiance', { assertion: { audiance: 'x' } }, 'audience'],
  ])('"%s" is answered with what was probably meant', (path, overrides, meant) => {
    const message = `is not an option: did you mean "${meant}"?`
    expect(findFaults(overrides)).toEqual([{ path, message }])
  })

  test('one that is like nothing is answered with the options there are', () => {
    expect(findFaults({ routes: { wellknown: '/x' } })).toEqual([
      {
        path: 'routes.wellknown',
        message:
          'is not an option: there are login, callback, logout, jwks, ' +
          'backchannelLogout, frontchannelLogout, session',
      },
    ])
  })

  test('wire parameters are not options of ours: any name is taken', () => {
    expect(findFaults({ authorization: { kc_idp_hint: 'x' } })).toEqual([])
  })
})

describe('the Authentication Request', () => {
  test.each([
    'client_id',
    'client_assertion',
    'client_assertion_type',
    'client_secret',
    'code_challenge',
    'code_challenge_method',
    'nonce',
    'redirect_uri',
    'request',
    'request_uri',
    'response_type',
    'state',
  ])("the RP's own parameter %s cannot be given", (name) => {
    expect(findFaults({ authorization: { [name]: 'x' } })).toEqual([
      { path: `authorization.${name}`, message: 'is made anew for every login' },
    ])
  })

  const mode = 'must be "query" or "form_post"'
  const noText = 'must be text, a number, a boolean or an object'
  test.each<[string, unknown, string]>([
    ['scope', 'profile email', 'must contain "openid", or no ID Token is issued'],
    ['scope', 'openidx', 'must contain "openid", or no ID Token is issued'],
    ['response_mode', 'fragment', mode],
    ['response_mode', 'form_post.jwt', mode],
    ['max_age', -1, 'must be whole seconds'],
    ['max_age', 1.5, 'must be whole seconds'],
    ['max_age', 'soon', 'must be whole seconds'],
    ['claims', () => 'x', noText],
    ['claims', Symbol('x'), noText],
  ])('%s cannot be %s', (name, value, message) => {
    expect(findFaults({ authorization: { [name]: value } })).toEqual([
      { path: `authorization.${name}`, message },
    ])
  })

  test.each([
    { scope: 'email openid' },
    { response_mode: 'form_post', max_age: 0 },
    { max_age: '300', claims: { userinfo: { name: null } } },
  ])('%j can be given', (authorization) => {
    expect(configure({ authorization }).providers[0]?.authorization).toEqual(authorization)
  })
})

describe('the client assertion', () => {
  test.each(['iss', 'sub', 'aud', 'jti', 'iat', 'exp'])('the claim %s is its own', (name) => {
    expect(findFaults({ assertion: { claims: { [name]: 'x' } } })).toEqual([
      {
        path: `assertion.claims.${name}`,
        message: 'is set for every assertion and cannot be given',
      },
    ])
  })

  test.each([
    ['alg', 'clientKey[].alg'],
    ['kid', 'assertion.kid'],
    ['typ', 'assertion.typ'],
  ])('the header parameter %s has its place at %s', (name, place) => {
    expect(findFaults({ assertion: { header: { [name]: 'x' } } })).toEqual([
      { path: `assertion.header.${name}`, message: `cannot be given here: use "${place}"` },
    ])
  })

  test('a long lifetime is refused', () => {
    expect(findFaults({ assertion: { lifetime: 601 } })).toEqual([
      { path: 'assertion.lifetime', message: 'must be at most 600' },
    ])
  })
})

describe('the algorithms of ID Tokens', () => {
  const list = 'RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519'
  const bySecret = { clientKey: undefined, clientAuth: clientSecretBasic('hunter2') }
  test.each<[string, Overrides, string]>([
    ['none', {}, `"none" is not accepted: there are ${list}, HS256, HS384, HS512`],
    ['RS1', {}, `"RS1" is not accepted: there are ${list}, HS256, HS384, HS512`],
    ['HS256', {}, '"HS256" needs a client secret ("clientAuth")'],
    [
      'HS256,RS256',
      bySecret,
      'must not mix HS* with others: who can read a public key could sign with it',
    ],
  ])('%s is refused, with the reason', (algs, overrides, message) => {
    expect(findFaults({ idToken: { alg: algs.split(',') }, ...overrides })).toEqual([
      { path: 'idToken.alg', message },
    ])
  })

  test('HS256 is accepted with a client secret, and others in any number', () => {
    expect(
      configure({ ...bySecret, idToken: { alg: 'HS256' } }).providers[0]?.idToken.algs,
    ).toEqual(['HS256'])
    expect(
      configure({ idToken: { alg: ['PS256', 'ES256'] } }).providers[0]?.idToken.algs,
    ).toHaveLength(2)
  })

  test('a tolerance beyond five minutes is refused', () => {
    expect(findFaults({ idToken: { clockTolerance: 301 } })).toEqual([
      { path: 'idToken.clockTolerance', message: 'must be at most 300' },
    ])
  })
})

describe('what is not given', () => {
  test('has the defaults that are documented', () => {
    const { session, routes, providers } = configure()
    const { http, idToken, assertion, userInfo } = providers[0] ?? expect.unreachable()
    expect({ session: session.lifetimes, keep: [...session.keep], userInfo }).toEqual({
      session: { idleTimeout: 86_400, lifetime: 604_800 },
      keep: [],
      userInfo: false,
    })
    expect(session.cookie).toMatchObject({ domain: undefined, path: '/', sameSite: 'lax' })
    expect(http).toMatchObject({ timeout: 5, userAgent: 'countersign', fetch: undefined })
    expect(idToken).toEqual({ algs: undefined, clockTolerance: 30, trustedAudiences: [] })
    expect(assertion).toMatchObject({ audience: 'issuer', lifetime: 60, kid: 'thumbprint' })
    expect(routes).toEqual({
      login: '/login',
      callback: '/callback',
      logout: '/logout',
      jwks: '/.well-known/jwks.json',
      backchannelLogout: '/backchannel-logout',
      frontchannelLogout: '/frontchannel-logout',
      session: false,
    })
  })

  test('a short lifetime shortens the idle timeout that nobody has set', () => {
    const { lifetimes } = configure({ session: { secret, lifetime: 600 } }).session
    expect(lifetimes).toEqual({ idleTimeout: 600, lifetime: 600 })
  })

  test('an issuer is kept as it is written, and a URL object without the slash it cannot be without', () => {
    expect(configure({ issuer: 'https://op.example/' }).providers[0]?.issuer).toBe(
      'https://op.example/',
    )
    expect(configure({ issuer: new URL('https://op.example') }).providers[0]?.issuer).toBe(
      'https://op.example',
    )
    expect(configure({ issuer: new URL('https://op.example/a/') }).providers[0]?.issuer).toBe(
      'https://op.example/a/',
    )
  })
})

describe('once read', () => {
  test('changing the options has no effect', () => {
    const options = {
      session: { secret: [secret], keep: ['idToken'], cookie: { name: 'mine' } },
      authorization: { scope: 'openid', claims: { userinfo: { name: null } } },
      assertion: { header: { a: 1 }, claims: { b: { c: 1 } } },
      idToken: { alg: ['ES256'], trustedAudiences: ['other'] },
      routes: { login: '/in' },
    }
    const config = configure(options)
    const read = () =>
      JSON.stringify({
        ...config,
        providers: config.providers.map((one) => ({ ...one, keySources: [] })),
      })
    const before = read()
    options.session.secret[0] = 'x'
    options.session.keep.push('accessToken')
    options.session.cookie.name = 'yours'
    options.authorization.scope = 'x'
    Object.assign(options.authorization.claims.userinfo, { email: null })
    options.assertion.header.a = 2
    options.assertion.claims.b.c = 2
    options.idToken.alg.push('none')
    options.idToken.trustedAudiences.push('evil')
    options.routes.login = '/out'
    expect(read()).toBe(before)
  })

  test('the configuration is frozen, all the way down', () => {
    const config = configure({ authorization: { claims: { userinfo: {} } } })
    const parts = [config, config.session, config.session.secrets, config.session.cookie]
    const [provider = expect.unreachable()] = config.providers
    const more = [config.routes, provider.http, provider.assertion.claims, provider.authorization]
    for (const part of [...parts, ...more]) expect(Object.isFrozen(part)).toBe(true)
  })

  test("the user's own objects are not frozen", () => {
    const signer = createLocalSigner({ key: generateEc(), alg: 'ES256' })
    const source = { name: 'theirs', keys: () => Promise.resolve([{ signer }]) }
    const clientAuth = clientSecretBasic('hunter2')
    const session = { secret: [secret] }
    configure({ clientKey: signer, session })
    configure({ clientKey: source })
    configure({ clientKey: undefined, clientAuth })
    for (const own of [signer, signer.publicJwk, source, clientAuth, session, session.secret]) {
      expect(Object.isFrozen(own)).toBe(false)
    }
  })
})

describe('two Relying Parties in one process', () => {
  const nameOf = (overrides: Overrides) => configure(overrides).session.cookie.name

  test('have cookies of different names, by issuer, client and place', () => {
    const names = [
      nameOf({}),
      nameOf({ issuer: 'https://other.example' }),
      nameOf({ clientId: 'other' }),
      nameOf({ baseUrl: 'https://app.example/shop' }),
      nameOf({ baseUrl: 'https://app.example:8443' }),
    ]
    expect(new Set(names).size).toBe(names.length)
    for (const name of names) expect(name).toMatch(/^oidc-[0-9a-f]{6}$/)
  })

  test('have the same name in every process of one app, and the name that was given', () => {
    expect(nameOf({})).toBe(nameOf({ session: { secret: `${secret} of another day` } }))
    expect(nameOf({ session: { secret, cookie: { name: 'mine' } } })).toBe('mine')
  })
})

test('construction makes no request, starts no timer and prints nothing', () => {
  const write = vi.spyOn(process.stdout, 'write')
  const writeError = vi.spyOn(process.stderr, 'write')
  const warn = vi.spyOn(process, 'emitWarning')
  const fetch = vi.fn()
  const resources: string[] = []
  const hook = createHook({ init: (_id, type) => resources.push(type) }).enable()
  createRelyingParty(buildOptions({ http: { fetch } }))
  hook.disable()
  expect([write, writeError, warn, fetch].flatMap(({ mock }) => mock.calls)).toEqual([])
  expect(resources.filter((type) => /TCP|TLS|DNS|GETADDR|Timeout|UDP/i.test(type))).toEqual([])
  vi.restoreAllMocks()
})

describe('a decryption key', () => {
  const path = 'idToken.decryptionKey'
  const [one, two] = [generateEc(), generateEc()]

  test('is a key of its own', () => {
    const good = { clientKey: [{ key: one, kid: 'k' }], idToken: { decryptionKey: two } }
    expect(configure(good).providers[0]?.decryptionSources).toHaveLength(1)
  })

  test.each([
    ['the key of a client key', { key: one, kid: 'other' }],
    ['the name of a client key', { key: two, kid: 'k' }],
  ])('with %s is a fault', (_name, key) => {
    const overrides = { clientKey: [{ key: one, kid: 'k' }], idToken: { decryptionKey: [key] } }
    const message = `has the key or the "kid" of a client key, "${key.kid}": make a key of its own`
    expect(readIssues(overrides)).toEqual([{ path, message }])
  })

  describe('at a provider that says how it encrypts', () => {
    const at = (provider: string, key: unknown) => ({
      provider,
      clientKey: generateEc(),
      authorization: { scope: 'openid service:TEST', acr_values: 'eidas2' },
      idToken: { decryptionKey: key },
    })

    test('is for what fits it and the provider, and published so', async () => {
      const [source] =
        configure(at('france-connect-plus', two)).providers[0]?.decryptionSources ?? []
      const keys = (await source?.keys()) ?? []
      expect(keys.map(({ decrypter }) => decrypter.algs)).toEqual([['ECDH-ES']])
    })

    test.each([
      ['itsme', two, 'ECDH-ES+A256KW, ECDH-ES+A128KW, ECDH-ES', 'RSA-OAEP, RSA-OAEP-256'],
      [
        'france-connect-plus',
        { ...toJwk(two), alg: 'ECDH-ES+A256KW' },
        'ECDH-ES+A256KW',
        'ECDH-ES, RSA-OAEP, RSA-OAEP-256',
      ],
    ])('is a fault at %s when it is for nothing that is used there', (name, key, ours, theirs) => {
      const message = `is for ${ours}, and the provider encrypts by ${theirs} alone`
      expect(readIssues(at(name, key))).toContainEqual({ path, message })
    })
  })

  test('that cannot be used is a fault beside all others', () => {
    const overrides = {
      clientId: '',
      idToken: { alg: 'none', decryptionKey: ['x', 'awskms:///alias/x'] },
    }
    expect(readIssues(overrides).map((issue) => issue.path)).toEqual([
      'clientId',
      'idToken.alg',
      `${path}[0]`,
      `${path}[1]`,
    ])
  })
})
