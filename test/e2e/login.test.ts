import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { frameworks } from '../support/frameworks.ts'
import { type Setting, startSetting } from '../support/setting.ts'

describe.each(frameworks)('a login on $name', (framework) => {
  let setting: Setting
  beforeAll(async () => {
    setting = await startSetting(framework)
  })
  afterAll(() => setting.close())
  beforeEach(() => setting.reset())

  test('brings the End-User back to the page that asked for it', async () => {
    const browser = setting.browser()
    const page = await browser.navigate(`${setting.app.url}/profile?a=b`)
    expect(page.status).toBe(200)
    expect(page.url).toBe(`${setting.app.url}/profile?a=b`)
    expect(JSON.parse(page.text)).toMatchObject({ sub: expect.any(String) })
    expect(page.history.map(({ status }) => status)).toEqual([303, 303, 303, 200])
  })

  test('asks for a code with PKCE S256, a state and a nonce that are new each time', async () => {
    await setting.browser().navigate(`${setting.app.url}/profile`)
    await setting.browser().navigate(`${setting.app.url}/profile`)
    const requests = setting.provider.requestsTo('authorization').map(({ query }) => query)
    expect(requests).toHaveLength(2)
    for (const query of requests) {
      expect(Object.fromEntries(query)).toEqual({
        client_id: 'app',
        code_challenge: expect.stringMatching(/^[\w-]{43}$/),
        code_challenge_method: 'S256',
        nonce: expect.stringMatching(/^[\w-]{43}$/),
        redirect_uri: `${setting.app.url}/callback`,
        response_type: 'code',
        scope: 'openid profile email',
        state: expect.stringMatching(/^[0-9a-f]{32}$/),
      })
    }
    for (const name of ['state', 'nonce', 'code_challenge']) {
      expect(requests[0]?.get(name)).not.toBe(requests[1]?.get(name))
    }
  })

  test('leaves a session cookie that a script cannot read, and no other', async () => {
    const browser = setting.browser()
    const page = await browser.navigate(`${setting.app.url}/profile`)
    const answer = page.history.find(({ url }) => url.includes('/callback'))
    const session = answer?.setCookies.find((value) => /^oidc-[0-9a-f]{6}=/.test(value))
    expect(session).toMatch(/; Max-Age=86400; Path=\/; HttpOnly; SameSite=Lax$/)
    const kept = browser.cookies(setting.app.url).filter(({ key }) => !/\.login/.test(key))
    expect(kept).toHaveLength(1)
  })

  test('never shows a cache anything', async () => {
    const page = await setting.browser().navigate(`${setting.app.url}/profile`, { follow: false })
    expect(page.headers['cache-control']).toBe('no-store')
    const login = await setting.browser().navigate(`${setting.app.url}/login`, { follow: false })
    expect(login.headers['cache-control']).toBe('no-store')
  })

  test('ten at once, five tabs in each of two browsers, finish in any order', async () => {
    const { app, told } = setting
    const tabs = [setting.browser(), setting.browser()].flatMap((browser) =>
      Array.from({ length: 5 }, (_, tab) => ({ browser, target: `/profile?tab=${tab}` })),
    )
    const atProvider = await Promise.all(
      tabs.map(async ({ browser, target }) => {
        const login = `${app.url}/login?returnTo=${encodeURIComponent(target)}`
        const start = await browser.navigate(login, { follow: false })
        const answer = await browser.navigate(start.headers.location ?? '', { follow: false })
        return { browser, target, callback: answer.headers.location ?? '' }
      }),
    )
    // The provider's codes are random, so this is any order
    const order = atProvider.sort((a, b) => (a.callback < b.callback ? -1 : 1))
    const finish = async ({ browser, target, callback }: (typeof order)[number]) => {
      const page = await browser.navigate(callback)
      expect(page.status).toBe(200)
      expect(page.url).toBe(app.url + target)
    }
    for (const tab of order.slice(0, 5)) await finish(tab)
    await Promise.all(order.slice(5).map(finish))
    expect(told('login.succeeded')).toHaveLength(10)
    expect(told('login.failed')).toEqual([])
  })

  test('drops the oldest of more than six in flight, and keeps cookies under 8 kB', async () => {
    const browser = setting.browser()
    const callbacks: string[] = []
    for (let tab = 0; tab < 10; tab++) {
      const returnTo = `/profile?tab=${tab}${'x'.repeat(900)}`
      const start = await browser.navigate(
        `${setting.app.url}/login?returnTo=${encodeURIComponent(returnTo)}`,
        { follow: false },
      )
      const answer = await browser.navigate(start.headers.location ?? '', { follow: false })
      callbacks.push(answer.headers.location ?? '')
      const cookies = browser.cookies(setting.app.url)
      const size = cookies.reduce((sum, { key, value }) => sum + key.length + value.length, 0)
      expect(size).toBeLessThan(8192)
      expect(cookies.length).toBeLessThanOrEqual(6)
    }
    // The same browser, before it is signed in: the first login is gone, the last one is there
    expect((await browser.clone().navigate(callbacks[0] ?? '')).status).toBe(400)
    expect((await browser.navigate(callbacks[9] ?? '')).status).toBe(200)
  })

  test('that comes back twice ends signed in: one after the other, and at the same time', async () => {
    const browser = setting.browser()
    const start = await browser.navigate(`${setting.app.url}/profile`, { follow: false })
    const answer = await browser.navigate(start.headers.location ?? '', { follow: false })
    const callback = answer.headers.location ?? ''
    const twin = browser.clone()
    const [first, second] = await Promise.all([browser.navigate(callback), twin.navigate(callback)])
    expect([first.status, second.status]).toEqual([200, 200])
    expect((await browser.navigate(callback)).url).toBe(`${setting.app.url}/profile`)
    expect(setting.provider.requestsTo('token')).toHaveLength(1)
    expect(setting.told('login.succeeded')).toHaveLength(1)
  })

  test('whose code another process has redeemed is done once more, not forever', async () => {
    const browser = setting.browser()
    setting.provider.behave.tokenError = { error: 'invalid_grant' }
    const page = await browser.navigate(`${setting.app.url}/profile`)
    expect(page.status).toBe(502)
    expect(setting.provider.requestsTo('token')).toHaveLength(2)
    setting.provider.reset()
    expect((await browser.navigate(`${setting.app.url}/profile`)).status).toBe(200)
  })

  test('is not spent by a browser that loads ahead', async () => {
    const browser = setting.browser()
    const headers = { 'sec-purpose': 'prefetch;prerender' }
    const ahead = await browser.navigate(`${setting.app.url}/login`, { headers, follow: false })
    expect(ahead.status).toBe(503)
    expect(ahead.setCookies).toEqual([])
    const guarded = await browser.navigate(`${setting.app.url}/profile`, { headers, follow: false })
    expect([guarded.status, guarded.setCookies]).toEqual([503, []])
    const start = await browser.navigate(`${setting.app.url}/profile`, { follow: false })
    const answer = await browser.navigate(start.headers.location ?? '', { follow: false })
    const callback = answer.headers.location ?? ''
    expect((await browser.navigate(callback, { headers })).status).toBe(503)
    expect(setting.provider.requestsTo('token')).toEqual([])
    expect((await browser.navigate(callback)).status).toBe(200)
  })

  test('can be started by a handler, by the login route, and by a third party', async () => {
    const { app, provider } = setting
    expect((await setting.browser().navigate(`${app.url}/start`)).url).toBe(`${app.url}/profile`)
    const direct = await setting.browser().navigate(`${app.url}/login?returnTo=/profile?x=1`)
    expect(direct.url).toBe(`${app.url}/profile?x=1`)
    const query = new URLSearchParams({
      iss: provider.issuer,
      login_hint: 'ada',
      target_link_uri: `${app.url}/profile`,
      other: 'ignored',
    })
    const third = await setting.browser().navigate(`${app.url}/login?${query}`)
    expect(third.url).toBe(`${app.url}/profile`)
    expect(provider.requestsTo('authorization').at(-1)?.query.get('login_hint')).toBe('ada')
    const foreign = await setting.browser().navigate(`${app.url}/login?iss=https://evil.example`)
    expect(foreign.status).toBe(400)
    expect(setting.told('login.failed').at(-1)?.error.code).toBe('ERR_LOGIN_REQUEST')
  })

  test('never comes back to a route of ours', async () => {
    const browser = setting.browser()
    const page = await browser.navigate(`${setting.app.url}/login?returnTo=/logout`, { follow: 3 })
    expect(page.url).toBe(`${setting.app.url}/`)
  })
})
