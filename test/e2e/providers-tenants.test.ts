import { everyTenant, type MultiProviderOptions, type ProviderOptions } from '@countersign/core'
import { MemoryStore } from 'express-session'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { mainFrameworks } from '../support/frameworks.ts'
import { type ProvidersSetting, startProviders, type TwoProviders } from '../support/providers.ts'
import { secret } from '../support/setting.ts'
import type { UserAgent } from '../support/user-agent.ts'

/** Which tenant a request is of is said by a header here, as a proxy would. */
const resolve: MultiProviderOptions['resolve'] = (exchange) => exchange.header('x-tenant')

const [first] = mainFrameworks
const runs = [
  ...mainFrameworks.map((framework) => ({ name: framework.name, framework, store: false })),
  ...(first ? [{ name: `${first.name} and a store`, framework: first, store: true }] : []),
]

describe.each(runs)('on $name, tenants that are looked up', ({ framework, store }) => {
  let setting: ProvidersSetting
  let looked: string[] = []
  let tenants: Record<string, () => ProviderOptions | undefined | Promise<ProviderOptions>> = {}

  function readTenants({ one, two }: TwoProviders['options']): typeof tenants {
    return {
      one: () => one,
      // Two tenants may share a provider
      also: () => ({ ...one }),
      two: () => two,
      broken: () => ({ ...two, clientKey: 'file:./not-there.pem' }),
      away: () => Promise.reject(new Error('the database is away')),
    }
  }

  beforeAll(async () => {
    setting = await startProviders(framework, {
      resolve,
      session: { secret, ...(store && { store: new MemoryStore() }) },
      providers: (options) => {
        tenants = readTenants(options)
        return async (id) => {
          looked.push(id)
          return await tenants[id]?.()
        }
      },
    })
  })
  beforeEach(() => {
    setting.reset()
    looked = []
  })
  afterAll(() => setting.close())

  const at = (path: string) => setting.app.url + path
  const of = (tenant: string) => ({ headers: { 'x-tenant': tenant } })
  const which = async (browser: UserAgent, tenant: string) =>
    JSON.parse((await browser.navigate(at('/which'), of(tenant))).text).provider

  /** A proxy names the tenant on every request, those that come from the provider included. */
  async function signIn(tenant: string): Promise<UserAgent> {
    const browser = setting.browser()
    const page = await browser.navigate(at('/profile'), of(tenant))
    expect([page.status, page.url]).toEqual([200, at('/profile')])
    return browser
  }

  test("a guard sends an End-User to the tenant's own provider", async () => {
    const browser = await signIn('two')
    expect(await which(browser, 'two')).toBe('two')
    expect(setting.one.requests).toEqual([])
  })

  test('who is signed in at one tenant is nobody at another, be it of the same provider', async () => {
    const browser = await signIn('one')
    for (const tenant of ['two', 'also', 'three', 'a/b', '*']) {
      expect(await which(browser, tenant)).toBeUndefined()
      expect((await browser.fetch(at('/profile'), of(tenant))).status).toBe(401)
    }
    expect(await which(browser, 'one')).toBe('one')
  })

  test('a script is told to sign in at its tenant', async () => {
    const browser = setting.browser()
    const answer = await browser.fetch(at('/profile'), of('two'))
    expect(JSON.parse(answer.text).login_url).toBe(at('/login/two'))
    const odd = await browser.fetch(at('/profile'), of('../x"'))
    expect(JSON.parse(odd.text).login_url).toBe(at('/login'))
  })

  test('a login that began at one tenant does not end at another', async () => {
    const browser = setting.browser()
    const start = await browser.navigate(at('/profile'), { ...of('one'), follow: false })
    const answer = await browser.navigate(start.headers.location ?? '', { follow: false })
    const callback = new URL(answer.headers.location ?? '')
    expect((await browser.navigate(callback.href, of('two'))).status).toBe(400)
    const other = new URL(callback)
    other.pathname = '/callback/also'
    expect((await browser.navigate(other.href, of('also'))).status).toBe(400)
    expect((await browser.navigate(at('/login/one'), of('two'))).status).toBe(400)
    expect(setting.one.requestsTo('token')).toEqual([])
    expect((await browser.navigate(callback.href, of('one'))).status).toBe(200)
  })

  test('a guard that demands what the tenant is not refuses, and does not turn in circles', async () => {
    const browser = await signIn('one')
    const page = await browser.navigate(at('/at-two'), of('one'))
    expect([page.status, page.history.length]).toEqual([400, 1])
  })

  test('a tenant that is broken, away or not there has its own error, and the others none', async () => {
    const browser = setting.browser()
    for (const [tenant, status] of [
      ['broken', 500],
      ['away', 503],
      ['three', 400],
    ] as const) {
      const page = await browser.navigate(at('/profile'), of(tenant))
      expect(page.status).toBe(status)
      expect(page.text).not.toMatch(/not-there|database/)
    }
    const failed = setting.events.filter(({ type }) => type === 'login.failed')
    expect(JSON.stringify(failed)).toContain('clientKey')
    await signIn('two')
    looked = []
    await browser.navigate(at('/profile'), of('away'))
    await browser.navigate(at('/profile'), of('away'))
    expect(looked).toEqual(['away', 'away'])
  })

  test('what can be no tenant is not looked up, and what nobody has is not looked up twice', async () => {
    const browser = setting.browser()
    for (const id of ['constructor', '__proto__', 'toString']) {
      expect((await browser.navigate(at('/profile'), of(id))).status).toBe(400)
      expect((await browser.navigate(at(`/login/${id}`))).status).toBe(404)
    }
    expect(looked).toEqual([])
    for (let index = 0; index < 5; index++) {
      expect((await browser.navigate(at('/login/nobody'))).status).toBe(400)
    }
    expect(looked).toEqual(['nobody'])
  })

  test('who has cancelled may try again at the same tenant', async () => {
    setting.one.behave.authorize.error = { error: 'access_denied' }
    const page = await setting.browser().navigate(at('/profile'), of('one'))
    expect(page.status).toBe(403)
    expect(page.text).toContain(`href="${at('/login/one')}"`)
  })

  test('without a tenant and without a name there is nothing to choose from', async () => {
    const page = await setting.browser().navigate(at('/login'))
    expect(page.status).toBe(400)
  })

  test('logout goes to the provider of the tenant', async () => {
    const browser = await signIn('two')
    const page = await browser.navigate(at('/logout'), { ...of('two'), follow: false })
    expect(page.headers.location).toContain(setting.two.issuer)
  })

  test('logout at one tenant leaves who is signed in at another', async () => {
    const browser = await signIn('one')
    for (const tenant of ['two', 'also', 'three']) {
      const page = await browser.navigate(at('/logout'), { ...of(tenant), follow: false })
      expect([page.status, page.headers.location]).toEqual([303, '/'])
    }
    expect(setting.events.filter(({ type }) => type === 'logout')).toEqual([])
    expect(await which(browser, 'one')).toBe('one')
    await browser.navigate(at('/logout'), { ...of('one'), follow: false })
    expect(await which(browser, 'one')).toBeUndefined()
  })

  test('each tenant has a JWK Set of its own, and nobody has that of all', async () => {
    const browser = setting.browser()
    const keys = async (path: string) => JSON.parse((await browser.fetch(at(path))).text).keys
    const own = await Promise.all(['one', 'two'].map((id) => keys(`/.well-known/jwks.json/${id}`)))
    expect(own.map((set) => set.length)).toEqual([1, 1])
    expect(own[0]).not.toEqual(own[1])
    expect(await keys('/.well-known/jwks.json')).toEqual([])
    expect((await browser.fetch(at('/.well-known/jwks.json/three'))).status).toBe(400)
  })
})

describe.each(mainFrameworks)('on $name, tenants by path', (framework) => {
  test('each has its End-Users, and what is everybody’s sees whoever is signed in', async () => {
    const setting = await startProviders(framework, {
      resolve: ({ target }) =>
        target === '/which' ? everyTenant : /^\/profile\?t=([^&]*)/.exec(target)?.[1],
    })
    try {
      const browser = setting.browser()
      const at = (path: string) => setting.app.url + path
      const page = await browser.navigate(at('/profile?t=two'))
      expect([page.status, page.url]).toEqual([200, at('/profile?t=two')])
      expect((await browser.fetch(at('/profile?t=one'))).status).toBe(401)
      for (const text of ['', '*', 'everyTenant', 'constructor']) {
        expect((await browser.fetch(at(`/profile?t=${text}`))).status).toBe(401)
      }
      // What the app cannot place is nobody's, and no login goes round in circles
      for (const path of ['/profile', '/Profile?t=one', '/which?x', '/at-two']) {
        const refused = await browser.navigate(at(path))
        expect(refused.history.length).toBe(1)
        expect(refused.text).not.toMatch(/"sub"|^ok$/)
      }
      const here = await browser.navigate(at('/which'))
      expect(JSON.parse(here.text).provider).toBe('two')
      const out = await browser.navigate(at('/logout'), { follow: false })
      expect(out.headers.location).toContain(setting.two.issuer)
    } finally {
      await setting.close()
    }
  })
})
