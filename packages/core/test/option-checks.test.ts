import { describe, expect, test } from 'vitest'
import { clientSecretBasic } from '../src/client/authentication.ts'
import { createRelyingParty } from '../src/relying-party.ts'
import { generateEc, generateRsa, toPem } from './keys/support/keys.ts'
import { configure, findFaults, pem, secret } from './support/options.ts'

type Overrides = Readonly<Record<string, unknown>>
type Row = readonly [name: string, overrides: Overrides, path: string, message: string]

/** Each fault alone: one issue, at this path, with this message. */
function expectEach(rows: readonly Row[]): void {
  test.each(rows)('%s is refused', (_name, overrides, path, message) => {
    expect(findFaults(overrides)).toEqual([{ path, message }])
  })
}

const noLongerHttps =
  'must be https; plain http is for loopback addresses only (localhost, 127.0.0.1, [::1])'

describe('what has to be given', () => {
  expectEach([
    ['a missing issuer', { issuer: undefined }, 'issuer', 'is required'],
    ['an empty issuer', { issuer: '' }, 'issuer', 'must not be empty'],
    ['a missing client identifier', { clientId: undefined }, 'clientId', 'is required'],
    ['an empty client identifier', { clientId: '' }, 'clientId', 'must not be empty'],
    ['a missing base URL', { baseUrl: undefined }, 'baseUrl', 'is required'],
    ['a missing session', { session: undefined }, 'session', 'is required'],
    ['a missing secret', { session: {} }, 'session.secret', 'is required'],
  ])
})

describe('URLs', () => {
  const absolute = 'must be an absolute URL such as "https://example.com", and is "op.example"'
  const ftp = absolute.replace('"op.', '"ftp:op.')
  const local = 'must be an absolute URL such as "http://localhost:3000", and is "localhost:3000"'
  const plain = 'must have no query and no fragment'
  const credentials = 'must hold no user name or password'
  expectEach([
    ['an issuer without a scheme', { issuer: 'op.example' }, 'issuer', absolute],
    ['an issuer over http', { issuer: 'http://op.example' }, 'issuer', noLongerHttps],
    ['an issuer of another scheme', { issuer: 'ftp:op.example' }, 'issuer', ftp],
    ['a base URL without a scheme', { baseUrl: 'localhost:3000' }, 'baseUrl', local],
    ['an issuer with a query', { issuer: 'https://op.example?a=b' }, 'issuer', plain],
    ['an issuer with a fragment', { issuer: 'https://op.example#a' }, 'issuer', plain],
    [
      'the URL of the metadata',
      { issuer: 'https://op.example/realm/.well-known/openid-configuration' },
      'issuer',
      'is the issuer identifier, not the metadata\'s URL: probably "https://op.example/realm"',
    ],
    [
      'a user name in the issuer',
      { issuer: 'https://u:hunter2@op.example' },
      'issuer',
      credentials,
    ],
    ['a base URL with a query', { baseUrl: 'https://app.example/?a' }, 'baseUrl', plain],
    [
      'a user name in the base URL',
      { baseUrl: 'https://u:hunter2@app.example' },
      'baseUrl',
      credentials,
    ],
  ])

  test.each(['localhost', '127.0.0.1', '127.1.2.3', '[::1]'])(
    'plain http to %s is accepted',
    (host) => {
      const faults = findFaults({ issuer: `http://${host}:8080`, baseUrl: `http://${host}:3000` })
      expect(faults).toEqual([])
    },
  )

  test.each(['localhost.evil.example', '0.0.0.0', '128.0.0.1', '192.168.0.1', '[::2]'])(
    'plain http to %s is not',
    (host) => {
      expect(findFaults({ issuer: `http://${host}` })).toEqual([
        { path: 'issuer', message: noLongerHttps },
      ])
    },
  )
})

describe('the session', () => {
  const session = (rest: Overrides) => ({ session: { secret, ...rest } })
  const cookie = (members: Overrides) => session({ cookie: members })
  const short = (length: number) =>
    `must have at least 32 characters, and has ${length}: make one with "openssl rand -hex 32"`
  expectEach([
    ['a short secret', session({ secret: 'hunter2' }), 'session.secret', short(7)],
    ['an empty secret', session({ secret: '' }), 'session.secret', short(0)],
    [
      'a short secret among others',
      session({ secret: [secret, 'hunter2'] }),
      'session.secret[1]',
      short(7),
    ],
    [
      'an empty list of secrets',
      session({ secret: [] }),
      'session.secret',
      'must hold at least one secret',
    ],
    [
      'sameSite "strict"',
      cookie({ sameSite: 'strict' }),
      'session.cookie.sameSite',
      'cannot be "strict": such a cookie is not sent on the navigation that comes back from the ' +
        'provider, and the login would never end',
    ],
    [
      'sameSite "none" on plain http',
      { baseUrl: 'http://localhost:3000', ...cookie({ sameSite: 'none' }) },
      'session.cookie.sameSite',
      '"none" needs an https "baseUrl": browsers demand Secure with it',
    ],
    [
      'a misspelt sameSite',
      cookie({ sameSite: 'Lax' }),
      'session.cookie.sameSite',
      'must be ("lax" | "none" | "strict"), and is another string',
    ],
    [
      "another site's domain",
      cookie({ domain: 'other.example' }),
      'session.cookie.domain',
      'must be the host of "baseUrl" or a domain above it',
    ],
    [
      'a domain that only ends alike',
      cookie({ domain: 'pp.example' }),
      'session.cookie.domain',
      'must be the host of "baseUrl" or a domain above it',
    ],
    [
      'a URL as the domain',
      cookie({ domain: 'https://app.example' }),
      'session.cookie.domain',
      'must be a host name, without scheme and port',
    ],
    [
      'a path beside that of the base URL',
      cookie({ path: '/other' }),
      'session.cookie.path',
      'must be a part of the path of "baseUrl", or the callback has no cookie',
    ],
    [
      'a path without a slash',
      cookie({ path: 'app' }),
      'session.cookie.path',
      'must be a path that starts with one "/", without query or fragment',
    ],
    [
      'a cookie name that needs quotes',
      cookie({ name: 'my app' }),
      'session.cookie.name',
      'may have letters, digits, "_" and "-"',
    ],
    [
      'an idle timeout beyond the lifetime',
      session({ idleTimeout: 100, lifetime: 10 }),
      'session.idleTimeout',
      'must not be longer than "session.lifetime"',
    ],
    [
      'an idle timeout of nothing',
      session({ idleTimeout: 0 }),
      'session.idleTimeout',
      'must be at least 1',
    ],
    [
      'a fraction of a second',
      session({ lifetime: 1.5 }),
      'session.lifetime',
      'must be whole seconds',
    ],
    [
      'a token under its wire name',
      session({ keep: ['idToken', 'access_token'] }),
      'session.keep[1]',
      'must be ("idToken" | "accessToken" | "refreshToken"), and is another string',
    ],
  ])

  const store = { get() {}, set() {}, destroy() {} }
  const lock = async () => undefined
  expectEach([
    [
      'a lock of nothing',
      session({ lock }),
      'session.lock',
      'needs "session.store" or "logout.store": sessions in their cookies alone share nothing',
    ],
    [
      'a limit for sessions in cookies',
      session({ maxSessions: 3 }),
      'session.maxSessions',
      'needs "session.store": a cookie does not know of the others',
    ],
    [
      'a store for what ends itself',
      { ...session({ store }), logout: { store } },
      'logout.store',
      'has no use together with "session.store", whose sessions end themselves',
    ],
  ])

  test('a lock is accepted wherever something is shared', () => {
    expect(findFaults(session({ lock, store }))).toEqual([])
    expect(findFaults(session({ lock, store: 'framework' }))).toEqual([])
    expect(findFaults({ ...session({ lock }), logout: { store } })).toEqual([])
  })

  test('a domain above the host, the host itself, and the path of the base URL are accepted', () => {
    const baseUrl = 'https://app.example.org/shop'
    for (const domain of ['app.example.org', 'example.org', '.example.org']) {
      expect(findFaults({ baseUrl, ...cookie({ domain }) })).toEqual([])
    }
    for (const path of ['/', '/shop', '/shop/']) {
      expect(findFaults({ baseUrl, ...cookie({ path }) })).toEqual([])
    }
  })
})

describe('our routes', () => {
  const path = 'must be a path that starts with one "/", without query or fragment'
  expectEach([
    [
      'a path that two routes share',
      { routes: { login: '/x', logout: '/x' } },
      'routes.logout',
      'is "/x" already, as "routes.login" is',
    ],
    ['a route without a slash', { routes: { login: 'login' } }, 'routes.login', path],
    ["another host's route", { routes: { logout: '//evil.example' } }, 'routes.logout', path],
    ['a route with a query', { routes: { callback: '/cb?a' } }, 'routes.callback', path],
    [
      'a callback that is switched off',
      { routes: { callback: false } },
      'routes.callback',
      'must be string, and is a boolean',
    ],
  ])
})

describe('the way to the provider', () => {
  const certificate = '-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----'
  const { fetch } = globalThis
  const noEffect = 'has no effect together with "http.fetch": set it up there'
  expectEach([
    [
      'a proxy without a scheme',
      { http: { proxy: 'proxy' } },
      'http.proxy',
      'must be a URL such as "http://proxy:3128"',
    ],
    [
      'the path of a certificate',
      { http: { ca: ['./ca.pem'] } },
      'http.ca',
      'must be the text of PEM certificates, not a path',
    ],
    ['an authority for their own fetch', { http: { ca: certificate, fetch } }, 'http.ca', noEffect],
    [
      'a proxy for their own fetch',
      { http: { proxy: 'http://proxy:3128', fetch } },
      'http.proxy',
      noEffect,
    ],
    ['no time at all', { http: { timeout: 0 } }, 'http.timeout', 'must be at least 0.1'],
    ['more than a minute', { http: { timeout: 61 } }, 'http.timeout', 'must be at most 60'],
    [
      'a user agent that is no header',
      { http: { userAgent: 'a\r\nb: c' } },
      'http.userAgent',
      'must be printable ASCII',
    ],
    [
      'a fetch that is none',
      { http: { fetch: 1 } },
      'http.fetch',
      'must be Function, and is a number',
    ],
  ])
})

describe('keys and Client Authentication', () => {
  const required = 'is required: file:./key.pem, env:NAME, or the PEM or JWK itself'
  const publicPem = '-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----'
  expectEach([
    ['no key at all', { clientKey: undefined }, 'clientKey', required],
    [
      'private_key_jwt without a key',
      { clientKey: undefined, clientAuth: 'private_key_jwt' },
      'clientKey',
      required,
    ],
    [
      'a key and a client secret together',
      { clientAuth: clientSecretBasic('hunter2') },
      'clientAuth',
      'cannot be used together with "clientKey": remove one of the two',
    ],
    [
      'a file that is not there',
      { clientKey: 'file:/nowhere/key.pem' },
      'clientKey',
      '/nowhere/key.pem cannot be read (ENOENT)',
    ],
    [
      'a public key',
      { clientKey: publicPem },
      'clientKey',
      'is a public key, and the private key is needed',
    ],
    [
      'an algorithm that the key does not fit',
      { clientKey: [{ key: pem, alg: 'RS256' }] },
      'clientKey[0].key',
      '"RS256" needs a key of type rsa, and this one is ec prime256v1',
    ],
    [
      'a curve that the algorithm does not take',
      { clientKey: [pem, { key: toPem(generateEc('P-384')), alg: 'ES256' }] },
      'clientKey[1].key',
      '"ES256" needs the curve prime256v1, and this key is ec secp384r1',
    ],
    [
      'a short RSA key',
      { clientKey: generateRsa(1024) },
      'clientKey',
      'is an RSA key of 1024 bits, and 2048 is the least: make a new one',
    ],
    ['an empty list of keys', { clientKey: [] }, 'clientKey', 'must hold at least one key'],
    [
      'an unknown member of a key',
      { clientKey: [{ key: pem, algo: 'ES256' }] },
      'clientKey[0].algo',
      'is not an option: did you mean "alg"?',
    ],
  ])
})

test('a secret is never in a message, whatever is wrong with it', () => {
  const hidden = 'hunter2'
  const wrong: readonly Overrides[] = [
    { session: { secret: hidden } },
    { session: hidden },
    { session: { secret: [hidden, hidden] } },
    { session: { secret, cookie: hidden } },
    { clientKey: hidden },
    { clientAuth: clientSecretBasic(hidden) },
    { clientKey: undefined, clientAuth: hidden },
    { clientKey: undefined, clientAuth: { method: hidden, secret: hidden } },
    { authorization: { client_secret: hidden } },
    { authorization: hidden },
    { issuer: `https://app:${hidden}@op.example` },
    { http: hidden },
  ]
  for (const overrides of wrong) {
    const faults = findFaults(overrides)
    expect(faults).not.toEqual([])
    expect(JSON.stringify(faults)).not.toContain(hidden)
  }
})

test('options that are no object are a fault, or a TypeError at once', () => {
  const create = (options: unknown) => () => createRelyingParty(options as never)
  expect(create('issuer')).toThrow('must be Object, and is another string')
  expect(create(undefined)).toThrow(TypeError)
})

describe('faults that are easily overlooked', () => {
  const cookie = (members: Overrides) => ({ session: { secret, cookie: members } })
  test.each<[string, Overrides, string]>([
    ['routes.login', { routes: { login: '/callback' } }, 'a route at the default of another'],
    ['idToken.alg', { idToken: { alg: [] } }, 'no algorithm at all'],
    ['http.proxy', { http: { proxy: 'proxy:3128' } }, 'a host and port as a proxy'],
    [
      'session.cookie.path',
      { baseUrl: 'https://app.example/application', ...cookie({ path: '/app' }) },
      'half of a path segment',
    ],
    ['authorization.claims', { authorization: { claims: { a: () => 1 } } }, 'a nested function'],
    ['assertion.claims', { assertion: { claims: { a: () => 1 } } }, 'a function as a claim'],
    ['clientAuth', { clientKey: undefined, clientAuth: 'none' }, 'one fault, not two'],
  ])('%s of %j: %s', (path, overrides) => {
    expect(findFaults(overrides).map((fault) => fault.path)).toEqual([path])
  })

  test('an undefined member is a default, as in any other place', () => {
    expect(configure({ routes: { login: undefined } }).routes.login).toBe('/login')
  })

  test("a password is not repeated from a URL that cannot be read, or is the metadata's", () => {
    for (const issuer of ['//u:hunter2@op.example', 'https://u:hunter2@op.example/.well-known/x']) {
      expect(JSON.stringify(findFaults({ issuer }))).not.toContain('hunter2')
    }
  })
})
