import session from 'express-session'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { mainFrameworks } from '../support/frameworks.ts'
import { type Setting, secret, startSetting } from '../support/setting.ts'
import type { Page, UserAgent } from '../support/user-agent.ts'
import { isSignedIn, openUnreliableStore, signInAs } from './support/logout-tokens.ts'

/** Opens a frame in a page of the provider's, which is another site. */
function openFrame(
  { app, provider }: Setting,
  browser: UserAgent,
  query: Readonly<Record<string, string>> | string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Page> {
  const url = `${app.url}/frontchannel-logout?${new URLSearchParams(query)}`
  return browser.navigate(url, { from: provider.issuer, destination: 'iframe', headers })
}

describe.each(mainFrameworks)(
  'front-channel logout of sessions in a store, on $name',
  (framework) => {
    const store = openUnreliableStore()
    let setting: Setting
    beforeAll(async () => {
      setting = await startSetting(framework, { session: { secret, store } })
    })
    afterAll(() => setting.close())
    beforeEach(() => {
      setting.reset()
      store.isDown = false
    })

    test('ends the session of iss and sid without its cookie, and may be framed by the provider', async () => {
      const browser = await signInAs(setting, 'ada', 'one')
      const other = await signInAs(setting, 'ada', 'two')
      const { issuer } = setting.provider
      const page = await openFrame(setting, browser, { iss: issuer, sid: 'one' })
      expect(page.history[0]?.requestHeaders['cookie']).toBeUndefined()
      expect(page.status).toBe(200)
      expect(page.headers).toMatchObject({
        'cache-control': 'no-store',
        'content-security-policy': `default-src 'none'; frame-ancestors ${issuer}`,
      })
      expect(page.headers['x-frame-options']).toBeUndefined()
      expect(await isSignedIn(setting, browser)).toBe(false)
      expect(await isSignedIn(setting, other)).toBe(true)
      expect(setting.told('session.ended')).toEqual([
        { type: 'session.ended', by: 'front-channel', sub: 'ada', sid: 'one', sessions: 1 },
      ])
    })

    test('takes the cookie away where it came along', async () => {
      const browser = await signInAs(setting, 'ada', 'near')
      const query = new URLSearchParams({ iss: setting.provider.issuer, sid: 'near' })
      await browser.navigate(`${setting.app.url}/frontchannel-logout?${query}`)
      const names = browser.cookies(setting.app.url).map(({ key }) => key)
      expect(names.filter((name) => /^oidc-[0-9a-f]{6}$/.test(name))).toEqual([])
    })

    test('is told where nothing but its cookie knows of the session', async () => {
      const sessions = new session.MemoryStore() as session.MemoryStore & { sessions: object }
      const other = await startSetting(framework, { session: { secret, store: sessions } })
      try {
        const browser = await signInAs(other, 'ada', 'forgotten')
        // As one that holds no more than so much may do
        for (const name of Object.keys(sessions.sessions).filter((key) => key.includes(':sid:')))
          Reflect.deleteProperty(sessions.sessions, name)
        const query = new URLSearchParams({ iss: other.provider.issuer, sid: 'forgotten' })
        await browser.navigate(`${other.app.url}/frontchannel-logout?${query}`)
        expect(other.told('session.ended')).toMatchObject([
          { by: 'front-channel', sid: 'forgotten' },
        ])
        expect(await isSignedIn(other, browser)).toBe(false)
      } finally {
        await other.close()
      }
    })

    test('of a sid that nobody has says 200, and leaves nothing in the store', async () => {
      const before = await store.count()
      const { issuer } = setting.provider
      const page = await openFrame(setting, setting.browser(), { iss: issuer, sid: 'made up' })
      expect(page.status).toBe(200)
      expect(await store.count()).toBe(before)
      expect(setting.told('session.ended')).toEqual([])
    })

    test.each<[string, (issuer: string) => Readonly<Record<string, string>> | string]>([
      ['without iss and sid', () => ({})],
      ['without sid', (iss) => ({ iss })],
      ['without iss', () => ({ sid: 'kept' })],
      ['with another iss', () => ({ iss: 'https://other.example', sid: 'kept' })],
      ['with two of iss', (iss) => `iss=${iss}&iss=${iss}&sid=kept`],
      ['with a sid that is endless', (iss) => ({ iss, sid: 'kept'.repeat(200) })],
    ])('%s is refused, and ends nothing', async (_, query) => {
      const browser = await signInAs(setting, 'ada', 'kept')
      const given = query(setting.provider.issuer)
      expect((await openFrame(setting, browser, given)).status).toBe(400)
      // Nor where the cookie comes along
      const url = `${setting.app.url}/frontchannel-logout?${new URLSearchParams(given)}`
      expect((await browser.navigate(url)).status).toBe(400)
      expect(await isSignedIn(setting, browser)).toBe(true)
      expect(setting.told('request.refused')[0]?.error.code).toBe('ERR_LOGOUT_REQUEST')
    })

    test('that is loaded ahead ends nothing', async () => {
      const browser = await signInAs(setting, 'ada', 'ahead')
      const query = { iss: setting.provider.issuer, sid: 'ahead' }
      const page = await openFrame(setting, browser, query, { 'sec-purpose': 'prefetch' })
      expect(page.status).toBe(503)
      expect(await isSignedIn(setting, browser)).toBe(true)
    })

    test('by POST is refused', async () => {
      const browser = await signInAs(setting, 'ada', 'posted')
      const query = new URLSearchParams({ iss: setting.provider.issuer, sid: 'posted' })
      const page = await browser.post(`${setting.app.url}/frontchannel-logout?${query}`, {})
      expect([page.status, page.headers.allow]).toEqual([405, 'GET, HEAD'])
      expect(await isSignedIn(setting, browser)).toBe(true)
    })

    test('is not possible while the store is down, and says so', async () => {
      const browser = await signInAs(setting, 'ada', 'later')
      store.isDown = true
      const query = { iss: setting.provider.issuer, sid: 'later' }
      expect((await openFrame(setting, browser, query)).status).toBe(503)
      store.isDown = false
      expect(await isSignedIn(setting, browser)).toBe(true)
    })

    test('names the other origins of a provider whose pages are elsewhere', async () => {
      const elsewhere = await startSetting(framework, {
        session: { secret, store: new session.MemoryStore() },
      })
      try {
        const { provider } = elsewhere
        provider.behave.metadata = (metadata) => ({
          ...metadata,
          end_session_endpoint: 'https://login.example/logout',
        })
        const browser = await signInAs(elsewhere, 'ada', 'one')
        const page = await openFrame(elsewhere, browser, { iss: provider.issuer, sid: 'one' })
        expect(page.headers['content-security-policy']).toBe(
          `default-src 'none'; frame-ancestors ${provider.issuer} https://login.example`,
        )
      } finally {
        await elsewhere.close()
      }
    })
  },
)

describe.each(mainFrameworks)(
  'front-channel logout of sessions in cookies, on $name',
  (framework) => {
    test('needs no cookie where there is a logout.store', async () => {
      const setting = await startSetting(framework, {
        logout: { store: new session.MemoryStore() },
      })
      try {
        const browser = await signInAs(setting, 'ada', 'one')
        const query = { iss: setting.provider.issuer, sid: 'one' }
        expect((await openFrame(setting, browser, query)).status).toBe(200)
        expect(await isSignedIn(setting, browser)).toBe(false)
      } finally {
        await setting.close()
      }
    })

    test('ends the session of the cookie where it comes along, and of no other', async () => {
      const setting = await startSetting(framework)
      try {
        const iss = setting.provider.issuer
        // A page of the same site, for example
        const browser = await signInAs(setting, 'ada', 'one')
        const url = `${setting.app.url}/frontchannel-logout`
        const wrong = new URLSearchParams({ iss, sid: 'two' })
        expect((await browser.navigate(`${url}?${wrong}`)).status).toBe(200)
        expect(await isSignedIn(setting, browser)).toBe(true)
        const right = new URLSearchParams({ iss, sid: 'one' })
        expect((await browser.navigate(`${url}?${right}`)).status).toBe(200)
        expect(await isSignedIn(setting, browser)).toBe(false)
        expect(setting.told('session.ended')).toMatchObject([
          { sub: 'ada', sid: 'one', sessions: 1 },
        ])
      } finally {
        await setting.close()
      }
    })

    test('that can never work says so', async () => {
      const setting = await startSetting(framework)
      try {
        const browser = await signInAs(setting, 'ada', 'one')
        const query = { iss: setting.provider.issuer, sid: 'one' }
        expect((await openFrame(setting, browser, query)).status).toBe(400)
        expect(setting.told('request.refused')[0]?.error.message).toMatch('"logout.store"')
        expect(await isSignedIn(setting, browser)).toBe(true)
      } finally {
        await setting.close()
      }
    })
  },
)
