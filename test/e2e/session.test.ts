import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Options } from '@countersign/core'
import { oidc, requireLogin } from '@countersign/express'
import express from 'express'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { express5App } from '../support/apps/express.ts'
import { mainFrameworks } from '../support/frameworks.ts'
import { type Setting, secret, startAnotherApp, startSetting } from '../support/setting.ts'
import type { UserAgent } from '../support/user-agent.ts'

const sessionCookies = (browser: UserAgent, url: string) =>
  browser.cookies(url).filter(({ key }) => /^oidc-[0-9a-f]{6}(\.\d+)?$/.test(key))

describe.each(mainFrameworks)('on $name', (framework) => {
  let setting: Setting
  beforeAll(async () => {
    setting = await startSetting(framework)
  })
  afterAll(() => setting.close())
  beforeEach(() => setting.reset())

  const started: Setting[] = []
  /** Starts an app with these options at the provider that all of them share. */
  async function start(overrides: Partial<Options> = {}) {
    const another = await startAnotherApp(framework, setting, overrides)
    started.push(another)
    return another
  }
  afterEach(async () => {
    vi.useRealTimers()
    await Promise.all(started.splice(0).map((another) => another.close()))
  })

  describe('a session', () => {
    test('keeps no token unless asked to, and says so when one is wanted', async () => {
      const { app, browser: open } = await start()
      const browser = open()
      await browser.navigate(`${app.url}/profile`)
      const page = await browser.navigate(`${app.url}/token`)
      expect(JSON.parse(page.text)).toMatchObject({
        code: 'ERR_TOKEN_NOT_KEPT',
        message: expect.stringContaining('"accessToken" to "session.keep"'),
      })
    })

    test('that is large is kept in chunks, and chunks no longer used are taken away', async () => {
      const setting = await start()
      const browser = setting.browser()
      setting.provider.behave.claims = {
        groups: Array.from({ length: 300 }, (_, n) => `group-${n}`),
      }
      await browser.navigate(`${setting.app.url}/profile`)
      expect(sessionCookies(browser, setting.app.url).map(({ key }) => key.slice(-2))).toEqual([
        '.0',
        '.1',
      ])
      const page = await browser.navigate(`${setting.app.url}/claims`)
      expect(JSON.parse(page.text).groups).toHaveLength(300)
      setting.provider.behave.claims = {}
      await browser.navigate(`${setting.app.url}/login`, { follow: 3 })
      expect(sessionCookies(browser, setting.app.url)).toHaveLength(1)
      expect((await browser.navigate(`${setting.app.url}/profile`)).status).toBe(200)
    })

    test('that is too large is one clear error, not a cookie that the browser drops', async () => {
      const setting = await start()
      setting.provider.behave.claims = {
        groups: Array.from({ length: 900 }, (_, n) => `group-${n}`),
      }
      const page = await setting.browser().navigate(`${setting.app.url}/profile`)
      expect(page.status).toBe(500)
      expect(setting.told('login.failed')[0]?.error).toMatchObject({
        code: 'ERR_COOKIE_TOO_LARGE',
        message: expect.stringContaining('ask for fewer scopes or claims'),
      })
    })

    test('outlives a rotated secret, and nothing else does', async () => {
      const before = await start()
      const browser = before.browser()
      await browser.navigate(`${before.app.url}/profile`)
      const [cookie] = sessionCookies(browser, before.app.url)
      const after = async (next: string | string[]) => {
        const setting = await start({ session: { secret: next, cookie: { name: 'same' } } })
        const other = setting.browser()
        other.setCookie(setting.app.url, `same=${cookie?.value}; Path=/`)
        return JSON.parse((await other.navigate(`${setting.app.url}/public`)).text).isAuthenticated
      }
      expect(await after(['a new secret that is long enough to be one', secret])).toBe(true)
      expect(await after('a new secret that is long enough to be one')).toBe(false)
    })

    test('of another client, or at another provider, is nobody', async () => {
      const first = await start()
      const browser = first.browser()
      await browser.navigate(`${first.app.url}/profile`)
      const [cookie] = sessionCookies(browser, first.app.url)
      const session = { secret, cookie: { name: 'same' } }
      const elsewhere = await startSetting(framework, { session })
      started.push(elsewhere)
      for (const second of [await start({ clientId: 'other', session }), elsewhere]) {
        const other = second.browser()
        other.setCookie(second.app.url, `same=${cookie?.value}; Path=/`)
        const page = await other.navigate(`${second.app.url}/public`)
        expect(JSON.parse(page.text).isAuthenticated).toBe(false)
      }
    })

    test('cannot be had by passing off a login in flight as one', async () => {
      const { app, browser: open } = await start()
      const browser = open()
      await browser.navigate(`${app.url}/login`, { follow: false })
      const [login] = browser.cookies(app.url)
      browser.setCookie(app.url, `${login?.key.split('.')[0]}=${login?.value}; Path=/`)
      const page = await browser.navigate(`${app.url}/public`)
      expect(JSON.parse(page.text).isAuthenticated).toBe(false)
    })

    test('ends when it was not used', async () => {
      const { app, browser: open } = await start({ session: { secret, idleTimeout: 60 } })
      const browser = open()
      await browser.navigate(`${app.url}/profile`)
      const [cookie] = sessionCookies(browser, app.url)
      // The browser drops it in time; whoever kept a copy has nothing
      const thief = open()
      const isSignedIn = async () => {
        thief.setCookie(app.url, `${cookie?.key}=${cookie?.value}; Path=/`)
        const page = await thief.navigate(`${app.url}/public`)
        return JSON.parse(page.text).isAuthenticated
      }
      const signedInAt = Date.now()
      vi.setSystemTime(signedInAt + 50_000)
      expect(await isSignedIn()).toBe(true)
      vi.setSystemTime(signedInAt + 62_000)
      expect(await isSignedIn()).toBe(false)
    })
  })

  describe('a browser that never keeps the session', () => {
    test.each([
      ['because it drops the cookie', 'does not send the cookie'],
      ['because it cannot be opened', 'cannot be opened'],
    ])('%s is stopped after three logins at a page that says why', async (how, reason) => {
      const setting = await start()
      const { app, provider } = setting
      const browser = setting.browser()
      for (let login = 0; login < 3; login++) {
        await browser.navigate(`${app.url}/login?returnTo=/public`)
        for (const { key } of sessionCookies(browser, app.url)) {
          if (how.includes('opened')) browser.setCookie(app.url, `${key}=garbage; Path=/`)
          else browser.deleteCookie(app.url, key)
        }
      }
      const count = provider.requestsTo('authorization').length
      const page = await browser.navigate(`${app.url}/profile`)
      expect(page.status).toBe(400)
      expect(page.text).toContain(reason)
      expect(setting.told('login.failed')[0]?.error.code).toBe('ERR_LOGIN_LOOP')
      expect(provider.requestsTo('authorization')).toHaveLength(count)
      // Who tries again himself may
      expect((await browser.navigate(`${app.url}/profile`)).status).toBe(200)
    })

    test('is not confused with somebody who signs in and out', async () => {
      const { app, browser: open } = await start()
      const browser = open()
      for (let login = 0; login < 5; login++) {
        expect((await browser.navigate(`${app.url}/profile`)).status).toBe(200)
        await browser.post(`${app.url}/logout`, {}, { follow: false })
      }
    })
  })

  describe('the hook "onLogin"', () => {
    test('adds to the user what the app knows', async () => {
      const { app, browser: open } = await start({
        onLogin: async ({ user, claims, accessToken, returnTo }) => {
          expect(accessToken).not.toBe('')
          return { role: 'admin', seen: [user['sub'] === claims.sub, returnTo] }
        },
      })
      const browser = open()
      const page = await browser.navigate(`${app.url}/admin`)
      expect([page.status, page.text]).toEqual([200, 'ok'])
      const user = JSON.parse((await browser.navigate(`${app.url}/profile`)).text)
      expect(user).toMatchObject({ role: 'admin', seen: [true, '/admin'] })
    })

    test('refuses whom the app does not want: 403, and nobody is signed in', async () => {
      const setting = await start({ onLogin: () => false })
      const browser = setting.browser()
      const page = await browser.navigate(`${setting.app.url}/profile`)
      expect(page.status).toBe(403)
      expect(page.text).toContain('You have no access here')
      expect(setting.told('login.failed')[0]?.error.code).toBe('ERR_LOGIN_REFUSED')
      expect(sessionCookies(browser, setting.app.url)).toEqual([])
    })

    test('that throws is an error of the app', async () => {
      const { app, browser: open } = await start({
        onLogin: () => {
          throw new Error('database down')
        },
      })
      const page = await open().navigate(`${app.url}/profile`)
      expect([page.status, JSON.parse(page.text).message]).toEqual([500, 'database down'])
    })
  })

  test('the hook "onError" gives the page', async () => {
    const {
      app,
      provider,
      browser: open,
    } = await start({
      onError: ({ code }) => ({
        status: 418,
        headers: { 'content-type': 'text/plain' },
        body: code,
      }),
    })
    provider.behave.authorize = { error: { error: 'access_denied' } }
    const page = await open().navigate(`${app.url}/profile`)
    expect([page.status, page.text]).toEqual([418, 'ERR_AUTHENTICATION_RESPONSE'])
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('listener')
      },
    ],
    ['rejects', () => Promise.reject(new Error('listener'))],
  ])('a listener that %s breaks nothing', async (_name, onEvent) => {
    const { app, browser: open } = await start({ onEvent: onEvent as () => void })
    expect((await open().navigate(`${app.url}/profile`)).status).toBe(200)
  })

  test('a session that is large takes the place of logins in flight: all together stay under 8 kB', async () => {
    const { app, provider, browser: open } = await start()
    const browser = open()
    const callbacks: string[] = []
    for (let tab = 0; tab < 6; tab++) {
      const returnTo = encodeURIComponent(`/public?${'x'.repeat(300)}${tab}`)
      const login = `${app.url}/login?returnTo=${returnTo}`
      const start = await browser.navigate(login, { follow: false })
      const answer = await browser.navigate(start.headers.location ?? '', { follow: false })
      callbacks.push(answer.headers.location ?? '')
    }
    provider.behave.claims = { groups: Array.from({ length: 330 }, (_, n) => `group-${n}`) }
    expect((await browser.navigate(callbacks[5] ?? '')).status).toBe(200)
    const size = browser
      .cookies(app.url)
      .reduce((sum, { key, value }) => sum + key.length + value.length, 0)
    expect(size).toBeGreaterThan(5000)
    expect(size).toBeLessThan(8192)
  })

  test('a place to return to that is short until it is encoded is left out, not the cookie', async () => {
    const { app, browser: open } = await start()
    const returnTo = encodeURIComponent(`/profile?q=${'€'.repeat(900)}`)
    const page = await open().navigate(`${app.url}/login?returnTo=${returnTo}`, { follow: 3 })
    expect(page.url).toBe(`${app.url}/`)
  })
})

test('two Relying Parties in one process, at two providers, know nothing of each other', async () => {
  const [first, second] = [await startSetting(express5App), await startSetting(express5App)]
  const app = express()
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const origin = `http://localhost:${port}`
  for (const [path, { provider, privateKeyPem }] of Object.entries({ '/a': first, '/b': second })) {
    const options = { issuer: provider.issuer, clientId: 'app', clientKey: privateKeyPem }
    app.use(path, oidc({ ...options, baseUrl: origin + path, session: { secret } }))
    app.get(`${path}/me`, requireLogin(), (req, res) => {
      res.send(req.oidc.claims?.iss)
    })
  }
  try {
    const browser = first.browser()
    expect((await browser.navigate(`${origin}/a/me`)).text).toBe(first.provider.issuer)
    const other = await browser.navigate(`${origin}/b/me`, { follow: false })
    expect(other.headers.location).toContain(second.provider.issuer)
    expect((await browser.navigate(`${origin}/b/me`)).text).toBe(second.provider.issuer)
    expect((await browser.navigate(`${origin}/a/me`)).history).toHaveLength(1)
  } finally {
    server.close()
    server.closeAllConnections()
    await Promise.all([first.close(), second.close()])
  }
})
