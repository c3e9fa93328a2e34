import session from 'express-session'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { frameworks, mainFrameworks } from '../support/frameworks.ts'
import { type Setting, secret, signIn, startAnotherApp, startSetting } from '../support/setting.ts'
import type { UserAgent } from '../support/user-agent.ts'
import { isSignedIn, openUnreliableStore } from './support/logout-tokens.ts'

const signedOut = 'You are signed out'

/** Whether the browser was sent to the provider. */
async function startsLogin({ app, provider }: Setting, browser: UserAgent, path: string) {
  const { headers } = await browser.navigate(app.url + path, { follow: false })
  return headers.location?.startsWith(`${provider.issuer}/authorize`) ?? false
}

describe.each(frameworks)('after a logout on $name', (framework) => {
  let setting: Setting
  beforeAll(async () => {
    setting = await startSetting(framework)
  })
  afterAll(() => setting.close())
  beforeEach(() => setting.reset())

  test('a guarded page to come back to says so once, and a reload asks to sign in', async () => {
    const { app } = setting
    const browser = await signIn(setting)
    const back = await browser.navigate(`${app.url}/logout?returnTo=/profile`, { from: app.url })
    // The provider has added its `state`
    expect(back.url).toMatch(/\/profile\?state=[0-9a-f]{32}$/)
    expect(back.status).toBe(200)
    expect(back.headers['cache-control']).toBe('no-store')
    expect(back.text).toContain(signedOut)
    expect(back.text).toMatch(/<a href="\/profile\?state=[0-9a-f]{32}">Sign in again<\/a>/)
    expect(setting.told('login.started')).toHaveLength(1)
    expect(await startsLogin(setting, browser, '/profile')).toBe(true)
  })

  test('by a handler, here only, it is the same', async () => {
    const browser = await signIn(setting)
    // Its place to come back to is public: "/", of which these apps have no page
    await browser.navigate(`${setting.app.url}/leave-here`, { follow: false })
    expect(await startsLogin(setting, browser, '/profile')).toBe(true)
  })

  test('other guarded pages ask to sign in at once', async () => {
    const browser = await signIn(setting)
    const url = `${setting.app.url}/logout?returnTo=/profile`
    await browser.post(url, {}, { follow: false })
    expect(await startsLogin(setting, browser, '/claims')).toBe(true)
    // And that one, since somebody wants to sign in
    expect(await startsLogin(setting, browser, '/profile')).toBe(true)
  })

  test('a script is told 401 as ever, and a public page is as it is', async () => {
    const { app } = setting
    const browser = await signIn(setting)
    await browser.post(`${app.url}/logout?returnTo=/profile`, {}, { follow: false })
    expect((await browser.fetch(`${app.url}/profile`)).status).toBe(401)
    expect(await isSignedIn(setting, browser)).toBe(false)
    expect((await browser.navigate(`${app.url}/profile`)).text).toContain(signedOut)
  })

  test('signing in again goes on at the page', async () => {
    const { app } = setting
    const browser = await signIn(setting)
    await browser.navigate(`${app.url}/logout?returnTo=/profile`, { from: app.url })
    const page = await browser.navigate(`${app.url}/profile`, { from: app.url })
    expect([page.status, page.url]).toEqual([200, `${app.url}/profile`])
    expect(page.text).not.toContain(signedOut)
  })

  test('the login route forgets it', async () => {
    const { app } = setting
    const browser = await signIn(setting)
    await browser.post(`${app.url}/logout?returnTo=/profile`, {}, { follow: false })
    await browser.navigate(`${app.url}/login`, { follow: false })
    const names = browser.cookies(app.url).map(({ key }) => key)
    expect(names.filter((name) => name.endsWith('.out'))).toEqual([])
  })

  test.each(['', '?state=other', '?state=a&state=b', '?error=server_error'])(
    'the browser may come back with "%s"',
    async (query) => {
      const { app } = setting
      const browser = await signIn(setting)
      await browser.post(`${app.url}/logout?returnTo=/public`, {}, { follow: false })
      const page = await browser.navigate(`${app.url}/public${query}`, {
        from: setting.provider.issuer,
      })
      expect([page.status, JSON.parse(page.text).isAuthenticated]).toEqual([200, false])
    },
  )

  test('what it leaves is small, short-lived and not for scripts', async () => {
    const browser = await signIn(setting)
    const long = `/profile/${'a'.repeat(900)}`
    const out = await browser.post(
      `${setting.app.url}/logout?returnTo=${long}`,
      {},
      { follow: false },
    )
    const [cookie = ''] = out.setCookies.filter((value) => /^oidc-[0-9a-f]{6}\.out=/.test(value))
    expect(cookie).toMatch(/^oidc-[0-9a-f]{6}\.out=[\w-]{16}; Max-Age=60; Path=\/; HttpOnly/)
    expect(cookie).toMatch(/SameSite=Lax/)
  })
})

describe.each(mainFrameworks)('while the store is down, a logout on $name', (framework) => {
  test('fails with 503, keeps the cookie, and works later', async () => {
    const store = openUnreliableStore()
    const setting = await startSetting(framework, { session: { secret, store } })
    try {
      const browser = await signIn(setting)
      store.isDown = true
      const failed = await browser.post(`${setting.app.url}/logout`, {}, { follow: false })
      expect([failed.status, failed.headers['retry-after']]).toEqual([503, '10'])
      expect(failed.setCookies).toEqual([])
      store.isDown = false
      expect(await isSignedIn(setting, browser)).toBe(true)
      const done = await browser.post(`${setting.app.url}/logout`, {}, { follow: false })
      expect(done.headers.location).toMatch(`${setting.provider.issuer}/logout?`)
      expect(await isSignedIn(setting, browser)).toBe(false)
    } finally {
      await setting.close()
    }
  })

  test('with a provider that nobody has asked yet and that is away, the session in a store still ends', async () => {
    const store = new session.MemoryStore()
    const options = { session: { secret, store, cookie: { name: 'session' } } }
    const setting = await startSetting(framework, options)
    const restarted = await startAnotherApp(framework, setting, options)
    try {
      const browser = await signIn(setting)
      setting.provider.behave.drop.discovery = true
      const out = await browser.post(`${restarted.app.url}/logout`, {}, { follow: false })
      expect([out.status, out.headers.location]).toEqual([303, '/'])
      expect(await isSignedIn(setting, browser)).toBe(false)
    } finally {
      await restarted.close()
      await setting.close()
    }
  })
})
