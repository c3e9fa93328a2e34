import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { frameworks } from '../support/frameworks.ts'
import { type Setting, startSetting } from '../support/setting.ts'

describe.each(frameworks)('a logout on $name', (framework) => {
  let setting: Setting
  beforeAll(async () => {
    setting = await startSetting(framework, {
      session: {
        secret: 'a session secret for tests, and for nothing but tests',
        keep: ['idToken', 'accessToken', 'refreshToken'],
      },
    })
  })
  afterAll(() => setting.close())
  beforeEach(() => setting.reset())

  async function signedIn() {
    const browser = setting.browser()
    expect((await browser.navigate(`${setting.app.url}/profile`)).status).toBe(200)
    return browser
  }

  const isSignedIn = async (browser: Awaited<ReturnType<typeof signedIn>>) =>
    JSON.parse((await browser.navigate(`${setting.app.url}/public`)).text).isAuthenticated

  test.each(['POST', 'GET'])(
    'by %s ends the session here and asks the provider to',
    async (method) => {
      const { app, provider } = setting
      const browser = await signedIn()
      const url = `${app.url}/logout`
      const out =
        method === 'POST'
          ? await browser.post(url, {}, { follow: false })
          : await browser.navigate(url, { from: app.url, follow: false })
      expect(out.status).toBe(303)
      const location = new URL(out.headers.location ?? '')
      expect(location.origin + location.pathname).toBe(`${provider.issuer}/logout`)
      expect(Object.fromEntries(location.searchParams)).toMatchObject({
        id_token_hint: expect.stringMatching(/^eyJ/),
        post_logout_redirect_uri: `${app.url}/`,
        state: expect.stringMatching(/^[0-9a-f]{32}$/),
      })
      expect(await isSignedIn(browser)).toBe(false)
      const [revocation] = provider.requestsTo('revocation')
      expect(revocation?.form.get('token_type_hint')).toBe('refresh_token')
      expect(provider.assertions.at(-1)?.endpoint).toBe('revocation')
      expect(setting.told('logout')).toEqual([
        { type: 'logout', sub: expect.any(String), local: false },
      ])
    },
  )

  test('asked for by another site is refused, and nobody is signed out', async () => {
    const browser = await signedIn()
    const url = `${setting.app.url}/logout`
    const cross = await browser.navigate(url, { headers: { 'sec-fetch-site': 'cross-site' } })
    expect(cross.status).toBe(403)
    const old = { 'sec-fetch-site': '', 'sec-fetch-mode': '', 'sec-fetch-dest': '' }
    const posted = await browser.post(
      url,
      {},
      { headers: { ...old, origin: 'https://evil.example' } },
    )
    expect(posted.status).toBe(403)
    const opaque = await browser.post(url, {}, { headers: { ...old, origin: 'null' } })
    expect(opaque.status).toBe(403)
    expect(await isSignedIn(browser)).toBe(true)
    expect(setting.told('request.refused')[0]?.error.code).toBe('ERR_CROSS_SITE_REQUEST')
  })

  test('by a handler, here only, leaves the provider alone', async () => {
    const browser = await signedIn()
    const out = await browser.navigate(`${setting.app.url}/leave-here`, { follow: false })
    expect([out.status, out.headers.location]).toEqual([303, '/'])
    expect(await isSignedIn(browser)).toBe(false)
    const other = await signedIn()
    const everywhere = await other.navigate(`${setting.app.url}/leave`, { follow: false })
    expect(everywhere.headers.location).toContain(`${setting.provider.issuer}/logout?`)
  })

  test('goes where it is told on our own origin, and nowhere else', async () => {
    const { app } = setting
    const goTo = async (returnTo: string) => {
      const browser = await signedIn()
      const query = new URLSearchParams({ returnTo })
      const out = await browser.navigate(`${app.url}/logout?${query}`, { follow: false })
      const { searchParams } = new URL(out.headers.location ?? '')
      return searchParams.get('post_logout_redirect_uri')
    }
    expect(await goTo('/goodbye')).toBe(`${app.url}/goodbye`)
    expect(await goTo('https://evil.example/')).toBe(`${app.url}/`)
    expect(await goTo('//evil.example/')).toBe(`${app.url}/`)
  })

  test('goes on when revocation fails or hangs for a moment', async () => {
    setting.provider.behave.revocationStatus = 503
    const browser = await signedIn()
    const out = await browser.post(`${setting.app.url}/logout`, {}, { follow: false })
    expect(out.status).toBe(303)
    expect(setting.told('token.revocation_failed')).toHaveLength(1)
    expect(await isSignedIn(browser)).toBe(false)
  })

  test('of nobody just goes back', async () => {
    const out = await setting.browser().post(`${setting.app.url}/logout`, {}, { follow: false })
    expect([out.status, out.headers.location]).toEqual([303, '/'])
  })
})

describe('a logout without an ID Token at hand', () => {
  test('names the client instead', async () => {
    const [framework] = frameworks
    if (!framework) throw new Error('no framework')
    const setting = await startSetting(framework)
    try {
      const browser = setting.browser()
      await browser.navigate(`${setting.app.url}/profile`)
      const out = await browser.post(`${setting.app.url}/logout`, {}, { follow: false })
      const { searchParams } = new URL(out.headers.location ?? '')
      expect(searchParams.get('client_id')).toBe('app')
      expect(searchParams.has('id_token_hint')).toBe(false)
    } finally {
      await setting.close()
    }
  })
})
