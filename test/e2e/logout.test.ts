import type { Options } from '@countersign/core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { frameworks, mainFrameworks } from '../support/frameworks.ts'
import { type Setting, secret, signIn, startAnotherApp, startSetting } from '../support/setting.ts'
import type { UserAgent } from '../support/user-agent.ts'

const options: Partial<Options> = {
  session: {
    secret,
    keep: ['idToken', 'accessToken', 'refreshToken'],
    // The same for an app on another port
    cookie: { name: 'session' },
  },
}
/** Milliseconds within which a logout is over, whatever hangs: some times the limit for one request. */
const bounded = 30_000

const isSignedIn = async ({ app }: Setting, browser: UserAgent) =>
  JSON.parse((await browser.navigate(`${app.url}/public`)).text).isAuthenticated

describe.each(frameworks)('a logout on $name', (framework) => {
  let setting: Setting
  beforeAll(async () => {
    setting = await startSetting(framework, options)
  })
  afterAll(() => setting.close())
  beforeEach(() => setting.reset())

  test.each(['POST', 'GET'])(
    'by %s ends the session here and asks the provider to',
    async (method) => {
      const { app, provider } = setting
      const browser = await signIn(setting)
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
      expect(await isSignedIn(setting, browser)).toBe(false)
      const [revocation] = provider.requestsTo('revocation')
      expect(revocation?.form.get('token_type_hint')).toBe('refresh_token')
      expect(provider.assertions.at(-1)?.endpoint).toBe('revocation')
      expect(setting.told('logout')).toEqual([
        { type: 'logout', sub: expect.any(String), local: false },
      ])
    },
  )

  test('asked for by another site is refused, and nobody is signed out', async () => {
    const browser = await signIn(setting)
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
    expect(await isSignedIn(setting, browser)).toBe(true)
    expect(setting.told('request.refused')[0]?.error.code).toBe('ERR_CROSS_SITE_REQUEST')
  })

  test('by a handler, here only, revokes the refresh token, then the access token, and leaves the session at the provider', async () => {
    const { provider } = setting
    let issued: readonly unknown[] = []
    provider.behave.tokens = (tokens) => {
      issued = [tokens['refresh_token'], tokens['access_token']]
      return tokens
    }
    const browser = await signIn(setting)
    const out = await browser.navigate(`${setting.app.url}/leave-here`, { follow: false })
    expect([out.status, out.headers.location]).toEqual([303, '/'])
    expect(await isSignedIn(setting, browser)).toBe(false)
    expect(provider.requestsTo('revocation').map(({ form }) => form.get('token'))).toEqual(issued)
    expect(setting.told('token.revoked')).toEqual([
      { type: 'token.revoked', kind: 'refresh_token' },
      { type: 'token.revoked', kind: 'access_token' },
    ])
    expect(provider.requestsTo('end_session')).toEqual([])
    const other = await signIn(setting)
    const everywhere = await other.navigate(`${setting.app.url}/leave`, { follow: false })
    expect(everywhere.headers.location).toContain(`${setting.provider.issuer}/logout?`)
  })

  test('goes where it is told on our own origin, and nowhere else', async () => {
    const { app } = setting
    const goTo = async (returnTo: string) => {
      const browser = await signIn(setting)
      const query = new URLSearchParams({ returnTo })
      const out = await browser.navigate(`${app.url}/logout?${query}`, { follow: false })
      const { searchParams } = new URL(out.headers.location ?? '')
      return searchParams.get('post_logout_redirect_uri')
    }
    expect(await goTo('/goodbye')).toBe(`${app.url}/goodbye`)
    expect(await goTo('https://evil.example/')).toBe(`${app.url}/`)
    expect(await goTo('//evil.example/')).toBe(`${app.url}/`)
  })

  test('goes on when revocation fails', async () => {
    setting.provider.behave.revocationStatus = 503
    const browser = await signIn(setting)
    const out = await browser.post(`${setting.app.url}/logout`, {}, { follow: false })
    expect(out.status).toBe(303)
    expect(setting.told('token.revocation_failed')).not.toHaveLength(0)
    expect(await isSignedIn(setting, browser)).toBe(false)
  })

  test('of nobody just goes back', async () => {
    const out = await setting.browser().post(`${setting.app.url}/logout`, {}, { follow: false })
    expect([out.status, out.headers.location]).toEqual([303, '/'])
  })
})

describe.each(mainFrameworks)('with a provider that hangs, a logout on $name', (framework) => {
  const impatient = { ...options, http: { timeout: 1 } }
  let setting: Setting
  beforeAll(async () => {
    setting = await startSetting(framework, impatient)
  })
  afterAll(() => setting.close())
  beforeEach(() => setting.reset())

  test.each(['/logout', '/leave-here'])(
    'at %s ends the session though revocation hangs',
    async (path) => {
      const { app, provider } = setting
      const browser = await signIn(setting)
      provider.behave.hang.revocation = true
      const out = await browser.navigate(app.url + path, { follow: false })
      expect(out.status).toBe(303)
      const isLocal = path === '/leave-here'
      expect(out.headers.location?.startsWith(`${provider.issuer}/logout?`)).toBe(!isLocal)
      expect(provider.requestsTo('revocation')).toHaveLength(1)
      expect(setting.told('token.revocation_failed')[0]?.error.code).toBe('ERR_PROVIDER_TIMEOUT')
      expect(await isSignedIn(setting, browser)).toBe(false)
    },
    bounded,
  )

  test(
    'ends the session though discovery hangs, in an app that does not know the provider yet',
    async () => {
      const restarted = await startAnotherApp(framework, setting, impatient)
      try {
        const { app, provider } = restarted
        const browser = await signIn(setting)
        provider.behave.hang.discovery = true
        const asked = provider.requestsTo('discovery').length
        expect((await browser.navigate(`${app.url}/profile`)).status).toBe(200)
        const out = await browser.post(`${app.url}/logout`, {}, { follow: false })
        expect([out.status, out.headers.location]).toEqual([303, '/'])
        expect(provider.requestsTo('discovery')).toHaveLength(asked + 1)
        expect(restarted.told('discovery.failed')[0]?.error.code).toBe('ERR_PROVIDER_TIMEOUT')
        expect(await isSignedIn(restarted, browser)).toBe(false)
      } finally {
        await restarted.close()
      }
    },
    bounded,
  )
})

describe.each(mainFrameworks)('a logout on $name without an ID Token at hand', (framework) => {
  test('names the client instead', async () => {
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
