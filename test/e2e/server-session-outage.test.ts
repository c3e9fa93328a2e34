import { createRelyingParty } from '@countersign/core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { copyCookies, isSignedIn } from '../contract/session-store.ts'
import { express5App } from '../support/apps/express.ts'
import { fastify5App } from '../support/apps/fastify.ts'
import { koa3App } from '../support/apps/koa.ts'
import { describeEach, describeUnless } from '../support/installed.ts'
import { openPostgresStore, postgresSkipReason, startPostgres } from '../support/postgres.ts'
import { openRedisStore, redisSkipReason, startRedis } from '../support/redis.ts'
import type { OpenStore, ServerProcess } from '../support/server-process.ts'
import { type Setting, secret, signIn, startAnotherApp, startSetting } from '../support/setting.ts'
import type { Page, UserAgent } from '../support/user-agent.ts'

const redis = {
  name: 'Redis',
  skipReason: redisSkipReason,
  start: startRedis,
  open: openRedisStore,
}
const postgres = {
  name: 'PostgreSQL',
  skipReason: postgresSkipReason,
  start: startPostgres,
  open: openPostgresStore,
}
const kinds = [
  { ...redis, framework: express5App },
  { ...redis, framework: koa3App },
  { ...postgres, framework: fastify5App },
]

/** Seconds. Without this limit some stores would never answer while they are down. */
const storeTimeout = 1

/** What a browser is told while the store is down. */
function expectUnavailable(page: Page): void {
  expect(page.status).toBe(503)
  expect(page.headers['retry-after']).toBe('10')
  expect(page.setCookies).toEqual([])
}

describeEach(kinds)('while $name is down, $framework.name', ({ framework, start, open }) => {
  let server: ServerProcess
  let opened: OpenStore
  let setting: Setting
  let tolerant: Setting
  // Of before the outage
  let browser: UserAgent
  let leaving: UserAgent
  let arriving: UserAgent
  let callback = ''
  let cookie = ''

  beforeAll(async () => {
    server = await start()
    opened = await open(server.url)
    const session = { secret, store: opened.store, storeTimeout }
    setting = await startSetting(framework, { session })
    tolerant = await startAnotherApp(framework, setting, {
      session: { ...session, storeFailure: 'anonymous', cookie: { name: 'tolerant' } },
    })
    browser = await signIn(setting)
    leaving = await signIn(setting)
    cookie = copyCookies(browser, setting.app.url)
    arriving = setting.browser()
    const sent = await arriving.navigate(`${setting.app.url}/profile`, { follow: 1 })
    callback = sent.history.at(-1)?.location ?? ''
    expect(callback).toContain('/callback?')
    await server.kill()
  }, 60_000)
  afterAll(async () => {
    await tolerant.close()
    await setting.close()
    await opened.close()
    await server.close()
  })

  test('answers a session with 503 within the timeout, to people and to programs', async () => {
    const page = await browser.navigate(`${setting.app.url}/public`)
    expectUnavailable(page)
    expect(page.headers['content-type']).toContain('text/html')
    const answer = await browser.fetch(`${setting.app.url}/profile`)
    expectUnavailable(answer)
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(JSON.parse(answer.text).code).toBe('ERR_SESSION_STORE')
    expect(setting.told('session.store_failed').length).toBeGreaterThan(0)
  })

  test('serves who has no session', async () => {
    const page = await setting.browser().navigate(`${setting.app.url}/public`)
    expect([page.status, JSON.parse(page.text).isAuthenticated]).toEqual([200, false])
  })

  test('lets public pages through where the app chose so, and starts no login', async () => {
    const { app } = tolerant
    const headers = { cookie: cookie.replace(/^[^=]+/, 'tolerant') }
    const page = await tolerant.browser().navigate(`${app.url}/public`, { headers })
    expect([page.status, JSON.parse(page.text).isAuthenticated]).toEqual([200, false])
    expect(page.setCookies).toEqual([])
    expectUnavailable(await tolerant.browser().navigate(`${app.url}/profile`, { headers }))
  })

  test('tells an "upgrade" handler that it is not known who asks', async () => {
    const { app, provider, privateKeyPem } = setting
    const relyingParty = createRelyingParty({
      ...{ issuer: provider.issuer, clientId: 'app', clientKey: privateKeyPem, baseUrl: app.url },
      session: { secret, store: opened.store, storeTimeout, storeFailure: 'anonymous' },
    })
    const handshake = { url: '/socket', headers: { origin: app.origin, cookie } }
    const failure = { code: 'ERR_SESSION_STORE', status: 503 }
    await expect(relyingParty.session(handshake)).rejects.toMatchObject(failure)
    await relyingParty.close()
  })

  test('ends a login with 503, and keeps it so that it can be repeated', async () => {
    const page = await arriving.navigate(callback)
    expect(page.status).toBe(503)
    expect(copyCookies(arriving, setting.app.url)).toBe('')
  })

  test('answers a logout with 503, and keeps the cookie', async () => {
    const before = copyCookies(leaving, setting.app.url)
    expectUnavailable(await leaving.post(`${setting.app.url}/logout`, {}))
    expect(copyCookies(leaving, setting.app.url)).toBe(before)
  })

  test('goes on with all sessions when it is back', async () => {
    await server.restart()
    const { app } = setting
    await vi.waitFor(
      async () => expect((await browser.navigate(`${app.url}/profile`)).status).toBe(200),
      { timeout: 15_000, interval: 100 },
    )
    // The same session, and not a new login
    expect(copyCookies(browser, app.url)).toBe(cookie)
    const arrived = await arriving.navigate(callback)
    expect([arrived.status, arrived.url]).toEqual([200, `${app.url}/profile`])
    expect(setting.provider.requestsTo('token')).toHaveLength(3)
    const copy = copyCookies(leaving, app.url)
    expect((await leaving.post(`${app.url}/logout`, {}, { follow: false })).status).toBe(303)
    expect(await isSignedIn(setting, copy)).toBe(false)
    const headers = { cookie: cookie.replace(/^[^=]+/, 'tolerant') }
    const page = await tolerant.browser().navigate(`${tolerant.app.url}/profile`, { headers })
    expect(page.status).toBe(200)
  })
})

describeUnless(redisSkipReason)('an app with sessions in cookies', () => {
  test('while its logout.store is down, nobody is taken for signed in, and no cookie is touched', async () => {
    const server = await startRedis()
    const { store, close } = await openRedisStore(server.url)
    const setting = await startSetting(koa3App, {
      session: { secret, storeTimeout },
      logout: { store },
    })
    try {
      const { app } = setting
      const browser = await signIn(setting)
      const copy = copyCookies(browser, app.url)
      await server.kill()
      expectUnavailable(await browser.navigate(`${app.url}/public`))
      expectUnavailable(await browser.post(`${app.url}/logout`, {}))
      expect((await setting.browser().navigate(`${app.url}/public`)).status).toBe(200)
      await server.restart()
      await vi.waitFor(async () => expect(await isSignedIn(setting, copy)).toBe(true), {
        timeout: 15_000,
        interval: 100,
      })
      expect((await browser.post(`${app.url}/logout`, {}, { follow: false })).status).toBe(303)
      expect(await isSignedIn(setting, copy)).toBe(false)
    } finally {
      await setting.close()
      await close()
      await server.close()
    }
  })
})
