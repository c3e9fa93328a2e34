import { describe, expect, test } from 'vitest'
import { clientSecretBasic, none } from '../src/client/authentication.ts'
import { type AnyOptions, type Config, checkOptions, readConfig } from '../src/config.ts'
import type { ProviderOptions } from '../src/options.ts'
import { isProviderId } from '../src/providers-config.ts'
import { everyTenant } from '../src/tenant.ts'
import { pem, secret } from './support/options.ts'

type Overrides = Readonly<Record<string, unknown>>

const context = { clock: { now: () => 1_700_000_000 }, emit: () => {} }

const criipto = { issuer: 'https://criipto.example', clientId: 'app' }
const signicat = { issuer: 'https://signicat.example', clientId: 'app' }

function build(overrides: Overrides): AnyOptions {
  const options = {
    providers: { criipto, signicat },
    clientKey: pem,
    baseUrl: 'https://app.example',
    session: { secret },
    ...overrides,
  }
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  // What overrides make of them is the subject: they come from JavaScript, where nothing is typed
  return Object.fromEntries(given) as unknown as AnyOptions
}

function findFaults(overrides: Overrides = {}): readonly string[] {
  const checked = checkOptions(build(overrides), context)
  return 'issues' in checked ? checked.issues.map(({ path, message }) => `${path}: ${message}`) : []
}

function configure(overrides: Overrides = {}): Config {
  return readConfig(build(overrides), context)
}

describe('what providers share', () => {
  test('holds for each that does not say otherwise', () => {
    const { providers, hasSeveral } = configure({
      userInfo: true,
      http: { timeout: 3 },
      providers: { criipto, signicat: { ...signicat, userInfo: false, label: 'Signicat' } },
    })
    expect(hasSeveral).toBe(true)
    expect(
      providers.map(({ id, label, userInfo, http }) => [id, label, userInfo, http.timeout]),
    ).toEqual([
      ['criipto', 'criipto', true, 3],
      ['signicat', 'Signicat', false, 3],
    ])
  })

  test('is no key for who authenticates in a way of its own', () => {
    const own = { ...signicat, clientAuth: clientSecretBasic('s') }
    const { providers } = configure({ providers: { criipto, own } })
    expect(providers.map(({ keySources }) => keySources.length)).toEqual([1, 0])
  })

  test('is at fault once, where it is said', () => {
    expect(
      findFaults({
        clientKey: 'file:/not-there.pem',
        authorization: { scope: 'profile' },
        http: { ca: 'x' },
      }),
    ).toEqual([
      'authorization.scope: must contain "openid", or no ID Token is issued',
      'http.ca: must be the text of PEM certificates, not a path',
      'clientKey: /not-there.pem cannot be read (ENOENT)',
    ])
    expect(findFaults({ clientAuth: 'client_secret_basic', clientKey: undefined })).toHaveLength(1)
  })

  test('is checked at the start where providers are looked up', () => {
    const providers = () => undefined
    expect(findFaults({ providers })).toEqual([])
    expect(findFaults({ providers, clientKey: undefined })).toEqual([])
    expect(findFaults({ providers, http: { timeout: 5, ca: 'x' } })).toEqual([
      'http.ca: must be the text of PEM certificates, not a path',
    ])
  })
})

describe('a fault of one provider', () => {
  test.each<[string, Overrides, readonly string[]]>([
    ['a missing identity', { issuer: undefined }, ['providers.signicat.issuer: is required']],
    [
      'a name that is a letter off',
      { clientSecrt: 'x', clentKey: pem },
      [
        'providers.signicat.clientSecrt: is not an option: there are issuer, clientId, provider, clientKey, clientAuth, assertion, authorization, userInfo, idToken, http, label',
        'providers.signicat.clentKey: is not an option: did you mean "clientKey"?',
      ],
    ],
    [
      'what is the same for all',
      { baseUrl: 'https://x.example', onLogin: () => {} },
      [
        'providers.signicat.baseUrl: is the same for all providers: move it to the top',
        'providers.signicat.onLogin: is the same for all providers: move it to the top',
      ],
    ],
    [
      'a key that is not there',
      { clientKey: 'file:/not-there.pem' },
      ['providers.signicat.clientKey: /not-there.pem cannot be read (ENOENT)'],
    ],
    [
      'a method and a key',
      { clientKey: pem, clientAuth: none() },
      [
        'providers.signicat.clientAuth: cannot be used together with "clientKey": remove one of the two',
      ],
    ],
  ])('%s has its path', (_, own, faults) => {
    expect(findFaults({ providers: { criipto, signicat: { ...signicat, ...own } } })).toEqual(
      faults,
    )
  })

  test('is found beside those of the others', () => {
    const providers = {
      criipto: 'https://criipto.example',
      signicat: { clientId: '' },
      '': criipto,
    }
    expect(findFaults({ providers })).toEqual([
      'providers.criipto: must be Object, and is another string',
      'providers.signicat.clientId: must not be empty',
      'providers.signicat.issuer: is required',
      'providers.: must have a name of letters, digits, "_" and "-", at most 64, and not one that every object has',
    ])
  })

  test('is also a name that every object has', () => {
    expect(findFaults({ providers: { criipto, constructor: signicat } })).toEqual([
      'providers.constructor: must have a name of letters, digits, "_" and "-", at most 64, and not one that every object has',
    ])
  })

  test('is also a key that nobody has given', () => {
    expect(findFaults({ clientKey: undefined })).toEqual(
      ['criipto', 'signicat'].map(
        (id) =>
          `providers.${id}.clientKey: is required: file:./key.pem, env:NAME, or the PEM or JWK itself`,
      ),
    )
  })
})

describe('what cannot be together', () => {
  test.each<[string, Overrides, string]>([
    [
      'several providers and one',
      { issuer: 'https://op.example' },
      'issuer: belongs to one provider: did you mean "providers.<id>.issuer"?',
    ],
    [
      'one provider and a way to choose it',
      { providers: undefined, ...criipto, resolve: () => 'x' },
      'resolve: needs "providers": it says which one of them a request belongs to',
    ],
    [
      'one registration under two names',
      { providers: { criipto, again: criipto } },
      'providers.again: has the issuer and the clientId of "criipto": one of them is enough',
    ],
    ['no provider', { providers: {} }, 'providers: must hold at least one provider'],
    [
      'a list',
      { providers: [criipto] },
      'providers: must be providers by their ids, or a function that looks one up',
    ],
    [
      'a route where a provider has one',
      { routes: { callback: '/login/signicat' } },
      'routes.callback: "/login/signicat" is what "routes.login" is for a provider "signicat"',
    ],
    [
      'a route where a provider that is looked up may have one',
      { providers: () => undefined, routes: { session: '/login/me' } },
      'routes.session: "/login/me" is what "routes.login" is for a provider "me"',
    ],
  ])('%s', (_, overrides, fault) => {
    expect(findFaults(overrides)).toEqual([fault])
  })

  test('a route beside those of providers is in nobody’s way', () => {
    expect(findFaults({ routes: { callback: '/login/callback', session: '/login/a/b' } })).toEqual(
      [],
    )
  })
})

describe('a configuration with several providers', () => {
  test('is frozen, and is not what it was made from', () => {
    const authorization = { scope: 'openid' }
    const { providers } = configure({ providers: { criipto: { ...criipto, authorization } } })
    authorization.scope = 'other'
    expect(providers[0]?.authorization).toEqual({ scope: 'openid' })
    expect(Object.isFrozen(providers[0]?.http)).toBe(true)
  })

  test('has a cookie whose name stays when a provider comes or goes', () => {
    const { name } = configure().session.cookie
    expect(configure({ providers: { criipto } }).session.cookie.name).toBe(name)
  })

  test.each([null, undefined])('takes %s for a request that belongs to nobody', async (id) => {
    const { resolve } = configure({ resolve: () => id })
    expect(await resolve?.({} as never)).toBeUndefined()
  })

  test.each([everyTenant, 'acme', '*'])('takes %s as it is', async (tenant) => {
    const { resolve } = configure({ resolve: () => tenant })
    expect(await resolve?.({} as never)).toBe(tenant)
  })

  test.each([{ ...criipto, id: 'x' }, 5, Symbol('*')])('refuses %s for an id', async (id) => {
    const { resolve } = configure({ resolve: async () => id })
    await expect(resolve?.({} as never)).rejects.toMatchObject({
      code: 'ERR_CONFIGURATION',
      message: expect.stringContaining(
        'resolve: must return the id of a provider, everyTenant or undefined',
      ),
    })
  })
})

test.each<[string, boolean]>([
  ['acme', true],
  ['Acme_1-x', true],
  ['', false],
  ['*', false],
  ['x'.repeat(65), false],
  // What an app that keeps its tenants in an object would find there
  ...Object.getOwnPropertyNames(Object.prototype).map(
    (name) => [name, false] satisfies [string, boolean],
  ),
])('whether %j can be an id is %s', (id, can) => {
  expect(isProviderId(id)).toBe(can)
})

describe('a provider that is looked up', () => {
  async function lookUp(found: unknown, overrides: Overrides = {}) {
    const { lookup } = configure({ providers: async () => found as ProviderOptions, ...overrides })
    return await lookup?.('acme')
  }

  test('has what is shared, and may be nobody', async () => {
    const found = await lookUp({ ...criipto, label: 'Acme' }, { userInfo: true })
    expect(found?.read()).toMatchObject({ id: 'acme', label: 'Acme', userInfo: true })
    expect(await lookUp(undefined)).toBeUndefined()
    expect(await lookUp(null)).toBeUndefined()
  })

  test.each<[unknown, string]>([
    ['acme', 'providers("acme"): must be Object, and is another string'],
    [{ issuer: 'https://x.example' }, 'providers("acme").clientId: is required'],
    [{ ...criipto, session: {} }, 'providers("acme").session: is the same for all providers'],
    [{ ...criipto, clientKey: 'x' }, 'providers("acme").clientKey: '],
  ])('has faults of its own when it is read: %j', async (found, fault) => {
    const looked = await lookUp(found)
    expect(() => looked?.read()).toThrow(fault)
  })

  test('has the same version for as long as the same is said of it', async () => {
    const versions = await Promise.all(
      [criipto, { ...criipto }, { ...criipto, clientId: 'other' }].map((found) => lookUp(found)),
    )
    const [one, same, other] = versions.map((found) => found?.version)
    expect(same).toBe(one)
    expect(other).not.toBe(one)
  })

  test('does not close a key source that all share', async () => {
    let closed = 0
    const source = { name: 'mine', keys: async () => [], close: async () => void closed++ }
    for (const clientKey of [source, [source], [{ key: source }]]) {
      const found = await lookUp(criipto, { clientKey })
      const [own] = found?.read().keySources ?? []
      await own?.close?.()
      expect(await own?.keys()).toEqual([])
    }
    expect(closed).toBe(0)
  })
})
