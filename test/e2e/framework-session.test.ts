import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { sessionFrameworks } from '../support/apps/framework-sessions.ts'
import { type Setting, secret, signIn, startSetting } from '../support/setting.ts'
import type { UserAgent } from '../support/user-agent.ts'

describe.each(sessionFrameworks)('a login in $name', ({ create, cookie, hasStore }) => {
  let setting: Setting
  beforeAll(async () => {
    setting = await startSetting(create(), {
      session: { secret, store: 'framework', keep: ['accessToken', 'refreshToken'] },
    })
  })
  afterAll(() => setting.close())
  beforeEach(() => setting.reset())

  const get = async (browser: UserAgent, path: string) =>
    JSON.parse((await browser.navigate(setting.app.url + path)).text)
  const readCookie = (browser: UserAgent) =>
    browser.cookies(setting.app.url).find(({ key }) => key === cookie)?.value

  test('lives in the cookie of the app, and no other', async () => {
    const browser = await signIn(setting)
    const names = browser.cookies(setting.app.url).map(({ key }) => key)
    expect(names).toContain(cookie)
    // What else there is belongs to logins
    expect(names.filter((name) => /^oidc-[0-9a-f]{6}$/.test(name))).toEqual([])
    expect(await get(browser, '/public')).toMatchObject({ sub: expect.any(String) })
  })

  test('leaves an anonymous visitor without a session', async () => {
    const browser = setting.browser()
    for (const path of ['/untouched', '/public']) {
      const page = await browser.navigate(setting.app.url + path)
      expect([page.status, page.setCookies]).toEqual([200, []])
    }
  })

  test('does not write a session that is only read', async () => {
    const browser = await signIn(setting)
    expect((await browser.navigate(`${setting.app.url}/public`)).setCookies).toEqual([])
  })

  test('keeps what a visitor has gathered, and not the session he came with', async () => {
    const browser = setting.browser()
    await get(browser, '/add')
    const planted = browser.clone()
    await browser.navigate(`${setting.app.url}/profile`)
    expect(readCookie(browser)).not.toBe(readCookie(planted))
    expect(await get(browser, '/public')).toMatchObject({
      sub: expect.any(String),
      cart: 'a book',
    })
    // Who knew the session before the login
    expect((await get(planted, '/public')).sub).toBeNull()
  })

  test('ends with all that the session has', async () => {
    const browser = await signIn(setting)
    await get(browser, '/add')
    const before = browser.clone()
    expect(await get(browser, '/leave')).toEqual({ sub: null })
    // A cookie that holds the session itself cannot be taken back, as the docs say
    if (hasStore) expect((await get(before, '/public')).sub).toBeNull()
  })

  test('does not hand the session on to somebody else', async () => {
    const browser = await signIn(setting)
    await get(browser, '/add')
    setting.provider.behave.sub = 'somebody else'
    await browser.navigate(`${setting.app.url}/login?returnTo=/public`)
    expect(await get(browser, '/public')).toEqual({ sub: 'somebody else' })
  })

  test('is stepped up under a new identifier, and keeps what the app has', async () => {
    const browser = await signIn(setting)
    await get(browser, '/add')
    const before = browser.clone()
    setting.provider.behave.acr = 'strong'
    expect((await get(browser, '/strong')).acr).toBe('strong')
    expect((await get(browser, '/public')).cart).toBe('a book')
    expect(readCookie(browser)).not.toBe(readCookie(before))
    if (hasStore) expect((await get(before, '/public')).sub).toBeNull()
  })

  test('can be finished in two tabs', async () => {
    const browser = setting.browser()
    const start = () => browser.navigate(`${setting.app.url}/profile`, { follow: 1 })
    const [first, second] = [await start(), await start()]
    for (const { headers } of [first, second]) {
      const { status } = await browser.navigate(headers.location ?? '')
      expect(status).toBe(200)
    }
    expect((await get(browser, '/public')).sub).toEqual(expect.any(String))
  })

  test('is not known any more when the app has destroyed its session', async () => {
    const browser = await signIn(setting)
    expect((await browser.navigate(`${setting.app.url}/destroy`)).status).toBe(200)
    expect((await get(browser, '/public')).sub).toBeNull()
  })

  test('has its tokens refreshed once by many requests at once, and keeps the new ones', async () => {
    setting.provider.behave.accessTokenTtl = 10
    const browser = await signIn(setting)
    setting.provider.behave.accessTokenTtl = 3600
    setting.provider.behave.delay.token = 50
    const pages = await Promise.all(
      Array.from({ length: 5 }, async () => await get(browser, '/token')),
    )
    expect(new Set(pages.map(({ token }) => token)).size).toBe(1)
    expect(setting.told('token.refreshed')).toHaveLength(1)
    expect(await get(browser, '/token')).toEqual(pages[0])
    expect(setting.told('token.refreshed')).toHaveLength(1)
  })

  test('keeps refreshed tokens when an error is answered', async () => {
    const browser = await signIn(setting)
    const first = await get(browser, '/token')
    expect((await get(browser, '/spill')).message).toBe('spilled')
    expect(await get(browser, '/token')).not.toEqual(first)
    expect(setting.told('token.refreshed')).toHaveLength(1)
  })

  test('ends when the provider refuses to refresh', async () => {
    const browser = await signIn(setting)
    setting.provider.behave.refreshError = { error: 'invalid_grant' }
    expect((await get(browser, '/refresh')).code).toBe('ERR_SESSION_ENDED')
    expect((await get(browser, '/public')).sub).toBeNull()
  })
})
