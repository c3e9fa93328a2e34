import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Options } from '@countersign/core'
import { oidc } from '@countersign/express'
import { createSession } from '@countersign/testing'
import express from 'express'
import session from 'express-session'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { sessionFrameworks } from '../support/apps/framework-sessions.ts'
import { mainFrameworks } from '../support/frameworks.ts'
import { type Setting, secret, signIn, startAnotherApp, startSetting } from '../support/setting.ts'

const places = [
  { place: 'cookies', open: () => ({}) },
  { place: 'a store', open: () => ({ store: new session.MemoryStore() }) },
  {
    place: 'cookies, with a store for logouts',
    open: () => ({}),
    logout: { store: new session.MemoryStore() },
  },
]

const down = (...call: readonly unknown[]) => {
  const done = call.at(-1)
  if (typeof done === 'function') done(new Error('down'))
}
const storeThatIsDown = { get: down, set: down, destroy: down }

const routes = { session: '/session' }
const keep = ['idToken', 'accessToken', 'refreshToken'] as const

describe.each(mainFrameworks)('GET /session on $name', (framework) => {
  let shared: Setting
  beforeAll(async () => {
    shared = await startSetting(framework)
  })
  afterAll(() => shared.close())
  beforeEach(() => shared.reset())

  const started: Setting[] = []
  async function start(own: Partial<Options['session']> = {}, overrides: Partial<Options> = {}) {
    const setting = await startAnotherApp(framework, shared, {
      session: { secret, idleTimeout: 600, lifetime: 3000, keep, ...own },
      routes,
      ...overrides,
    })
    started.push(setting)
    return setting
  }
  afterEach(async () => {
    vi.useRealTimers()
    await Promise.all(started.splice(0).map((setting) => setting.close()))
  })

  describe.each(places)('with sessions in $place', ({ open, logout }) => {
    const startHere = () => start(open(), logout && { logout })

    test('says who is signed in, until when, and where to sign out', async () => {
      const setting = await startHere()
      setting.provider.behave.claims = { name: 'Ada Lovelace', email: 'ada@example.com' }
      const browser = await signIn(setting)
      const answer = await browser.fetch(`${setting.app.url}/session`)
      const { ends_at, ends_in, ...rest } = JSON.parse(answer.text)
      expect([answer.status, rest]).toEqual([
        200,
        {
          user: {
            sub: setting.provider.behave.sub,
            name: 'Ada Lovelace',
            email: 'ada@example.com',
          },
          logout_url: `${setting.app.url}/logout`,
        },
      ])
      expect(ends_in).toBeGreaterThan(500)
      expect(ends_in).toBeLessThanOrEqual(600)
      expect(Math.abs(ends_at - ends_in - Date.now() / 1000)).toBeLessThan(60)
      expect(answer.headers).toMatchObject({
        'cache-control': 'no-store',
        'content-type': expect.stringMatching(/^application\/json/),
        'x-content-type-options': 'nosniff',
        'cross-origin-resource-policy': 'same-origin',
      })
      expect(Object.keys(answer.headers).filter((name) => /^access-control/.test(name))).toEqual([])
    })

    test('does not keep the session alive', async () => {
      const setting = await startHere()
      const browser = await signIn(setting)
      const look = () => browser.fetch(`${setting.app.url}/session`)
      const signedInAt = Date.now()
      for (const seconds of [200, 400]) {
        vi.setSystemTime(signedInAt + seconds * 1000)
        const answer = await look()
        expect([answer.status, answer.setCookies]).toEqual([200, []])
        expect(JSON.parse(answer.text).ends_in).toBeLessThanOrEqual(602 - seconds)
      }
      // The browser drops the cookie in time; whoever sends it nevertheless is nobody
      const cookie = browser.cookies(setting.app.url).map((one) => one.cookieString())
      vi.setSystemTime(signedInAt + 602_000)
      expect((await look()).status).toBe(401)
      const kept = await fetch(`${setting.app.url}/session`, {
        headers: { cookie: cookie.join('; ') },
      })
      expect(kept.status).toBe(401)
    })

    test('answers 401 to nobody, with where to sign in', async () => {
      const setting = await startHere()
      const answer = await setting.browser().fetch(`${setting.app.url}/session`)
      expect([answer.status, JSON.parse(answer.text)]).toEqual([
        401,
        expect.objectContaining({
          code: 'ERR_NOT_SIGNED_IN',
          login_url: `${setting.app.url}/login`,
        }),
      ])
      expect(answer.headers).toMatchObject({
        'cache-control': 'no-store',
        'cross-origin-resource-policy': 'same-origin',
      })
    })
  })

  test('is off unless asked for', async () => {
    const setting = await start({}, { routes: {} })
    const browser = await signIn(setting)
    expect((await browser.fetch(`${setting.app.url}/session`)).status).toBe(404)
  })

  test('leaves out the logout where that route is off', async () => {
    const setting = await start({}, { routes: { ...routes, logout: false } })
    const browser = await signIn(setting)
    const { text } = await browser.fetch(`${setting.app.url}/session`)
    expect(JSON.parse(text)).not.toHaveProperty('logout_url')
  })

  test('answers HEAD without a body, and no other method', async () => {
    const setting = await start()
    const browser = await signIn(setting)
    const answer = await browser.fetch(`${setting.app.url}/session`, { method: 'HEAD' })
    expect([answer.status, answer.text]).toEqual([200, ''])
    expect((await browser.post(`${setting.app.url}/session`, {})).status).toBe(405)
  })

  test('tells a page of another site nothing', async () => {
    const setting = await start()
    const browser = await signIn(setting)
    const answer = await browser.fetch(`${setting.app.url}/session`, {
      headers: { 'sec-fetch-site': 'cross-site' },
    })
    expect([answer.status, JSON.parse(answer.text).code]).toEqual([403, 'ERR_CROSS_SITE_REQUEST'])
    expect(answer.text).not.toContain(setting.provider.behave.sub)
  })

  test('answers 401 to whom the provider refuses to refresh, as a guard does', async () => {
    const setting = await start({ refusedRefresh: 'sign-in' })
    const browser = await signIn(setting)
    setting.provider.behave.refreshError = { error: 'invalid_grant' }
    await browser.fetch(`${setting.app.url}/refresh`)
    expect((await browser.fetch(`${setting.app.url}/session`)).status).toBe(401)
    expect((await browser.fetch(`${setting.app.url}/profile`)).status).toBe(401)
  })

  test.each(['refuse', 'anonymous'] as const)(
    'answers 503 while the store is down: %s',
    async (storeFailure) => {
      const name = 'session-of-the-test'
      const before = await start({ store: new session.MemoryStore(), cookie: { name } })
      const browser = await signIn(before)
      const after = await start({ store: storeThatIsDown, storeFailure, cookie: { name } })
      const cookie = browser.cookies(before.app.url).find(({ key }) => key === name)
      const answer = await fetch(`${after.app.url}/session`, {
        headers: { cookie: cookie?.cookieString() ?? '' },
      })
      expect(answer.status).toBe(503)
      expect(await answer.json()).toMatchObject({ code: 'ERR_SESSION_STORE' })
      // Who has no cookie is nobody, whatever the store does
      expect((await fetch(`${after.app.url}/session`)).status).toBe(401)
    },
  )
})

describe.each(sessionFrameworks)(
  "GET /session with the app's own session in $name",
  (framework) => {
    let setting: Setting
    beforeAll(async () => {
      setting = await startSetting(framework.create(), {
        session: { secret, store: 'framework', idleTimeout: 50, lifetime: 3000, keep },
        routes,
      })
    })
    afterAll(() => setting.close())
    afterEach(() => {
      vi.useRealTimers()
    })

    test('says who is signed in, and does not keep the session alive', async () => {
      const browser = await signIn(setting)
      const look = () => browser.fetch(`${setting.app.url}/session`)
      const signedInAt = Date.now()
      vi.setSystemTime(signedInAt + 40_000)
      const answer = await look()
      expect([answer.status, JSON.parse(answer.text)]).toEqual([
        200,
        expect.objectContaining({
          user: expect.objectContaining({ sub: setting.provider.behave.sub }),
          logout_url: `${setting.app.url}/logout`,
        }),
      ])
      expect(JSON.parse(answer.text).ends_in).toBeLessThanOrEqual(12)
      vi.setSystemTime(signedInAt + 52_000)
      expect((await look()).status).toBe(401)
    })

    test('answers 401 to nobody, and begins no session', async () => {
      const answer = await setting.browser().fetch(`${setting.app.url}/session`)
      expect([answer.status, answer.setCookies]).toEqual([401, []])
    })
  },
)

test('GET /session names the provider, where there are several', async () => {
  const app = express()
  const signIn = oidc({
    providers: {
      staff: { issuer: 'https://staff.example', clientId: 'app' },
      guests: { issuer: 'https://guests.example', clientId: 'app' },
    },
    clientAuth: { method: 'none' },
    baseUrl: 'http://localhost:3000',
    session: { secret },
    routes,
  })
  app.use(signIn)
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const { port } = server.address() as AddressInfo
    const { headers } = await createSession(signIn, { sub: 'ada' }, { provider: 'guests' })
    const answer = await fetch(`http://127.0.0.1:${port}/session`, { headers })
    expect(await answer.json()).toMatchObject({ user: { sub: 'ada' }, provider: 'guests' })
  } finally {
    server.close()
    server.closeAllConnections()
  }
})
