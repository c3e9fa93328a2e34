import { MemoryStore } from 'express-session'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { mainFrameworks } from '../support/frameworks.ts'
import { type Setting, secret, signIn, startSetting } from '../support/setting.ts'

const keep = ['accessToken', 'refreshToken', 'idToken'] as const
const places = [
  { name: 'a cookie', session: () => ({ secret, keep }) },
  { name: 'a store', session: () => ({ secret, keep, store: new MemoryStore() }) },
]
const cases = mainFrameworks.flatMap((framework) => places.map((place) => ({ framework, place })))

describe.each(cases)('on $framework.name, in $place.name', ({ framework, place }) => {
  let setting: Setting
  beforeAll(async () => {
    setting = await startSetting(framework, { session: place.session() })
  })
  afterAll(() => setting.close())
  beforeEach(() => {
    setting.reset()
    setting.provider.behave.rotateRefreshTokens = false
    setting.provider.behave.authTime = 1_700_000_000
  })

  const url = (path: string) => setting.app.url + path

  function nonceOfLogin(): string | null {
    return setting.provider.requestsTo('authorization').at(-1)?.query.get('nonce') ?? null
  }

  describe('the ID Token of a refresh', () => {
    // Conformance: refresh-token-invalid-issuer, refresh-token-invalid-sub, and what else 12.2 says
    test.each([
      ['iss', (issuer: string) => `${issuer}1`],
      ['sub', () => 'alice1'],
      ['aud', () => 'another-app'],
      ['aud', () => ['app', 'another-app']],
      ['auth_time', () => 1_700_000_001],
      ['nonce', () => 'another nonce'],
      ['azp', () => 'another-app'],
    ] as const)(
      'that has another "%s" is refused, and the old tokens stay',
      async (claim, value) => {
        const { behave, issuer } = setting.provider
        const browser = await signIn(setting)
        const before = (await browser.navigate(url('/token'))).text
        behave.refreshedIdToken = { claims: (claims) => ({ ...claims, [claim]: value(issuer) }) }
        const page = await browser.navigate(url('/refresh'))
        expect(page.status).toBe(502)
        // More than one audience without an "azp" is refused before
        expect(JSON.parse(page.text).code).toMatch(/^ERR_(ID_TOKEN_CLAIM|TOKEN_RESPONSE)$/)
        expect(setting.told('token.refresh_failed')).toHaveLength(1)
        expect(setting.provider.requestsTo('userinfo')).toEqual([])
        expect((await browser.navigate(url('/token'))).text).toBe(before)
        behave.refreshedIdToken = {}
        expect((await browser.navigate(url('/refresh'))).status).toBe(200)
      },
    )

    test.each([
      ['the nonce of the login', () => ({ nonce: nonceOfLogin() })],
      ['no auth_time', () => ({ auth_time: undefined })],
      ['an azp that is this app', () => ({ azp: 'app' })],
      ['its audience in a list', () => ({ aud: ['app'] })],
    ])('with %s is taken', async (_name, change) => {
      const browser = await signIn(setting)
      setting.provider.behave.refreshedIdToken = {
        claims: (claims) => ({ ...claims, ...change() }),
      }
      expect((await browser.navigate(url('/refresh'))).status).toBe(200)
      expect((await browser.navigate(url('/userinfo'))).status).toBe(200)
      // Twice: what is kept of the first refresh is enough to check the second
      expect((await browser.navigate(url('/refresh'))).status).toBe(200)
    })

    test('changes nothing of what the login has found out', async () => {
      const browser = await signIn(setting)
      const before = (await browser.navigate(url('/claims'))).text
      setting.provider.behave.refreshedIdToken = {
        claims: (claims) => ({
          ...claims,
          acr: 'strong',
          amr: ['otp'],
          role: 'admin',
          name: 'Eve',
        }),
      }
      expect((await browser.navigate(url('/refresh'))).status).toBe(200)
      expect((await browser.navigate(url('/claims'))).text).toBe(before)
      expect((await browser.navigate(url('/admin'))).status).toBe(403)
    })

    test('that is not signed by the provider is refused', async () => {
      const browser = await signIn(setting)
      setting.provider.behave.refreshedIdToken = { corruptSignature: true }
      expect((await browser.navigate(url('/refresh'))).status).toBeGreaterThanOrEqual(400)
      expect((await browser.navigate(url('/token'))).status).toBe(200)
    })
  })

  test('a refresh without an ID Token keeps the first one, for the logout', async () => {
    const browser = await signIn(setting)
    setting.provider.behave.refreshIdToken = false
    expect((await browser.navigate(url('/refresh'))).status).toBe(200)
    const page = await browser.navigate(url('/leave'), { follow: false })
    const location = new URL(page.headers.location ?? '')
    expect(location.searchParams.get('id_token_hint')).toMatch(/^ey/)
  })
})
