import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { mainFrameworks } from '../support/frameworks.ts'
import { type Setting, secret, startSetting } from '../support/setting.ts'

describe.each(mainFrameworks)('on $name', (framework) => {
  let setting: Setting
  beforeAll(async () => {
    setting = await startSetting(framework, {
      session: { secret, keep: ['accessToken', 'refreshToken', 'idToken'] },
    })
  })
  afterAll(() => setting.close())
  beforeEach(() => {
    setting.reset()
    // The app and the provider live by it
    vi.useFakeTimers({ toFake: ['Date'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  async function signedIn() {
    const browser = setting.browser()
    expect((await browser.navigate(`${setting.app.url}/profile`)).status).toBe(200)
    return browser
  }

  const refreshes = () =>
    setting.provider
      .requestsTo('token')
      .filter(({ form }) => form.get('grant_type') === 'refresh_token')

  describe('an access token', () => {
    test('that is fresh is given as it is', async () => {
      const browser = await signedIn()
      const first = await browser.navigate(`${setting.app.url}/token`)
      expect((await browser.navigate(`${setting.app.url}/token`)).text).toBe(first.text)
      expect(refreshes()).toEqual([])
    })

    test('that is due is refreshed, with an assertion of its own, and kept', async () => {
      setting.provider.behave.accessTokenTtl = 10
      const browser = await signedIn()
      setting.provider.behave.accessTokenTtl = 3600
      const first = await browser.navigate(`${setting.app.url}/token`)
      expect(first.status).toBe(200)
      expect((await browser.navigate(`${setting.app.url}/token`)).text).toBe(first.text)
      expect(refreshes()).toHaveLength(1)
      const [login, refresh] = setting.provider.assertions
      expect(login?.payload.jti).not.toBe(refresh?.payload.jti)
      expect(setting.told('token.refreshed')).toHaveLength(1)
    })

    test('is refreshed once by many requests at once', async () => {
      setting.provider.behave.accessTokenTtl = 10
      const browser = await signedIn()
      setting.provider.behave.accessTokenTtl = 3600
      setting.provider.behave.delay.token = 50
      const pages = await Promise.all(
        Array.from({ length: 10 }, () => browser.clone().navigate(`${setting.app.url}/token`)),
      )
      expect(new Set(pages.map(({ text }) => text)).size).toBe(1)
      expect(pages.map(({ status }) => status)).toEqual(Array(10).fill(200))
      expect(refreshes()).toHaveLength(1)
    })

    test('is refreshed when asked to, and UserInfo is fetched with it', async () => {
      const browser = await signedIn()
      const page = await browser.navigate(`${setting.app.url}/refresh`)
      expect(JSON.parse(page.text)).toMatchObject({ accessToken: expect.any(String) })
      const info = await browser.navigate(`${setting.app.url}/userinfo`)
      expect(JSON.parse(info.text)).toHaveProperty('sub')
    })

    test('that was just rotated is not refreshed again by a request with the old cookie', async () => {
      const browser = await signedIn()
      const late = browser.clone()
      expect((await browser.navigate(`${setting.app.url}/refresh`)).status).toBe(200)
      expect((await late.navigate(`${setting.app.url}/refresh`)).status).toBe(200)
      expect(refreshes()).toHaveLength(1)
    })

    test('is refreshed each time that it is asked for, also where the refresh token stays the same', async () => {
      setting.provider.behave.rotateRefreshTokens = false
      const browser = await signedIn()
      const tokens = new Set<string>()
      for (let time = 0; time < 3; time++) {
        const page = await browser.navigate(`${setting.app.url}/refresh`)
        tokens.add(JSON.parse(page.text).accessToken)
      }
      expect(tokens.size).toBe(3)
      expect(refreshes()).toHaveLength(3)
    })

    test('that lives shortly is used for half of that, and never when it has expired', async () => {
      setting.provider.behave.accessTokenTtl = 2
      setting.provider.behave.rotateRefreshTokens = false
      const browser = await signedIn()
      const late = browser.clone()
      const token = async () => (await browser.navigate(`${setting.app.url}/token`)).text
      const first = await token()
      expect(refreshes()).toHaveLength(1)
      expect(await token()).toBe(first)
      vi.setSystemTime(Date.now() + 2000)
      expect(await token()).not.toBe(first)
      expect(refreshes()).toHaveLength(2)
      // With the cookie from before: what is remembered of it is too old
      vi.setSystemTime(Date.now() + 2000)
      const info = await late.navigate(`${setting.app.url}/userinfo`)
      expect(info.status).toBe(200)
    })

    test('that was rotated, and has expired since, is not refreshed with the old refresh token', async () => {
      setting.provider.behave.accessTokenTtl = 2
      const browser = await signedIn()
      const late = browser.clone()
      expect((await browser.navigate(`${setting.app.url}/token`)).status).toBe(200)
      vi.setSystemTime(Date.now() + 2000)
      const page = await late.navigate(`${setting.app.url}/userinfo`)
      expect(page.status).toBe(200)
      const sent = refreshes().map(({ form }) => form.get('refresh_token'))
      expect(sent).toHaveLength(2)
      expect(new Set(sent).size).toBe(2)
    })

    test('that cannot be refreshed any more ends the session, in an error that names the endpoint and no token', async () => {
      const browser = await signedIn()
      setting.provider.behave.refreshError = { error: 'invalid_grant' }
      const page = await browser.navigate(`${setting.app.url}/refresh`)
      expect(JSON.parse(page.text)).toMatchObject({ code: 'ERR_SESSION_ENDED' })
      expect(page.status).toBe(401)
      expect(setting.told('token.refresh_failed')[0]?.error.message).toContain('/token')
      expect(refreshes()[0]?.form.get('refresh_token')).toBeTruthy()
      expect(JSON.stringify(setting.events)).not.toContain(
        refreshes()[0]?.form.get('refresh_token'),
      )
    })

    test.each([
      ['issuer', { iss: 'https://evil.example' }],
      ['subject', { sub: 'somebody else' }],
    ])('refreshed with the ID Token of another %s is discarded', async (_name, change) => {
      const browser = await signedIn()
      setting.provider.behave.refreshIdToken = true
      setting.provider.behave.refreshedIdToken = {
        claims: (claims) => ({ ...claims, ...change }),
      }
      const page = await browser.navigate(`${setting.app.url}/refresh`)
      expect(JSON.parse(page.text).code).toBe('ERR_ID_TOKEN_CLAIM')
    })

    test('without a refresh token to renew it ends the session, in a clear error', async () => {
      setting.provider.behave.refreshTokens = 'never'
      setting.provider.behave.accessTokenTtl = 1
      const browser = await signedIn()
      const page = await browser.navigate(`${setting.app.url}/token`)
      expect([page.status, JSON.parse(page.text).code]).toEqual([401, 'ERR_SESSION_ENDED'])
    })

    test('from UserInfo that fails is an error of its own', async () => {
      const browser = await signedIn()
      setting.provider.behave.userinfoStatus = 403
      const page = await browser.navigate(`${setting.app.url}/userinfo`)
      expect([page.status, JSON.parse(page.text).code]).toEqual([502, 'ERR_USERINFO'])
    })
  })
})
