import { setTimeout } from 'node:timers/promises'
import session from 'express-session'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { IdTokenBehaviour } from '../support/double/behaviour.ts'
import { mainFrameworks } from '../support/frameworks.ts'
import { type Setting, secret, startAnotherApp, startSetting } from '../support/setting.ts'
import {
  isSignedIn,
  logoutEvent,
  openUnreliableStore,
  postToBackChannel,
  readJson,
  signInAs,
  signLogoutToken,
} from './support/logout-tokens.ts'

const now = () => Math.floor(Date.now() / 1000)

/** Named after the modules of the conformance suite's Back-Channel plan, where there is one. */
const bad: [string, Readonly<Record<string, unknown>>, IdTokenBehaviour?][] = [
  ['alg-none', {}, { alg: 'none' }],
  ['no-event', { events: undefined }],
  ['wrong-event', { events: { 'http://schemas.openid.net/event/foobar': {} } }],
  ['with-nonce', { nonce: 'n-0S6' }],
  ['wrong-alg', {}, { alg: 'ES256' }],
  ['wrong-aud', { aud: 'appINVALID' }],
  ['wrong-iss', { iss: 'http://127.0.0.1/INVALID' }],
  ['an event that is no object', { events: { [logoutEvent]: true } }],
  ['no jti', { jti: undefined }],
  ['no iat', { iat: undefined }],
  ['no exp', { exp: undefined }],
  ['no iss', { iss: undefined }],
  ['no aud', { aud: undefined }],
  ['neither sub nor sid', { sub: undefined, sid: undefined }],
  ['expired', { iat: now() - 600, exp: now() - 480 }],
  ['from the future', { iat: now() + 600, exp: now() + 720 }],
  ['a signature of nobody', {}, { corruptSignature: true }],
  ['a key that is not published', {}, { kid: 'unknown' }],
  ['the typ of another kind of token', {}, { header: (is) => ({ ...is, typ: 'at+jwt' }) }],
]

describe.each(mainFrameworks)(
  'back-channel logout of sessions in a store, on $name',
  (framework) => {
    const store = openUnreliableStore()
    let setting: Setting
    beforeAll(async () => {
      setting = await startSetting(framework, {
        session: { secret, store, keep: ['refreshToken'] },
        idToken: { alg: 'RS256' },
      })
    })
    afterAll(() => setting.close())
    beforeEach(() => {
      setting.reset()
      store.isDown = false
    })

    const post = (token: string) => postToBackChannel(setting.app.url, { logout_token: token })
    const sign = (claims: Readonly<Record<string, unknown>>) =>
      signLogoutToken(setting.provider, claims)

    test('a token with sub, sid, a claim and a field that are unknown ends the session: 200', async () => {
      const browser = await signInAs(setting, 'ada', 'one')
      const logout_token = sign({ sub: 'ada', sid: 'one', ignored_claim: 'ignored' })
      const answer = await postToBackChannel(setting.app.url, { ignored: 'field', logout_token })
      expect(answer.status).toBe(200)
      expect(answer.headers.get('cache-control')).toBe('no-store')
      expect(await answer.text()).toBe('')
      expect(await isSignedIn(setting, browser)).toBe(false)
      expect(setting.told('session.ended')).toEqual([
        { type: 'session.ended', by: 'back-channel', sub: 'ada', sid: 'one', sessions: 1 },
      ])
      expect(JSON.stringify(setting.events)).not.toContain(logout_token)
    })

    test('who is gone already is signed out: 200', async () => {
      const browser = await signInAs(setting, 'ada', 'gone')
      await browser.post(`${setting.app.url}/logout`, {}, { follow: false })
      const answer = await post(sign({ sub: 'ada', sid: 'gone' }))
      expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store'])
      expect((await post(sign({ sub: 'never seen' }))).status).toBe(200)
    })

    test.each(bad)(
      'a token that is bad is refused, and ends nothing: %s',
      async (_, claims, how) => {
        const browser = await signInAs(setting, 'ada', 'kept')
        const whose = { sub: 'ada', sid: 'kept', ...claims }
        const answer = await post(signLogoutToken(setting.provider, whose, how))
        expect(answer.status).toBe(400)
        expect(answer.headers.get('cache-control')).toBe('no-store')
        expect(answer.headers.get('content-type')).toMatch(/^application\/json\b/)
        expect(await readJson(answer)).toEqual({
          error: 'invalid_request',
          error_description: 'the Logout Token is not acceptable',
        })
        expect(await isSignedIn(setting, browser)).toBe(true)
        expect(setting.told('request.refused')[0]?.error.code).toBe('ERR_LOGOUT_TOKEN')
        expect(setting.told('session.ended')).toEqual([])
      },
    )

    test.each<[string, URLSearchParams | string, string?]>([
      ['nothing', new URLSearchParams()],
      ['an empty token', new URLSearchParams({ logout_token: '' })],
      ['two tokens', new URLSearchParams('logout_token=a&logout_token=b')],
      ['JSON', '{"logout_token":"a"}', 'application/json'],
      ['text', 'logout_token=a', 'text/plain'],
    ])('%s is refused', async (_, form, type) => {
      const headers = type === undefined ? {} : { headers: { 'content-type': type } }
      const answer = await postToBackChannel(setting.app.url, form, headers)
      expect([answer.status, answer.headers.get('cache-control')]).toEqual([400, 'no-store'])
      expect((await readJson(answer))['error']).toBe('invalid_request')
    })

    test('without a sid all sessions of the sub end, and nobody else’s', async () => {
      const first = await signInAs(setting, 'grace', 'first')
      const second = await signInAs(setting, 'grace', 'second')
      const unnamed = await signInAs(setting, 'grace')
      const other = await signInAs(setting, 'alan', 'third')
      expect((await post(sign({ sub: 'grace' }))).status).toBe(200)
      for (const browser of [first, second, unnamed]) {
        expect(await isSignedIn(setting, browser)).toBe(false)
      }
      expect(await isSignedIn(setting, other)).toBe(true)
      expect(setting.told('session.ended')[0]?.sessions).toBe(3)
    })

    test('with a sid the other sessions of the sub go on', async () => {
      const first = await signInAs(setting, 'grace', 'this')
      const second = await signInAs(setting, 'grace', 'that')
      expect((await post(sign({ sid: 'this' }))).status).toBe(200)
      expect(await isSignedIn(setting, first)).toBe(false)
      expect(await isSignedIn(setting, second)).toBe(true)
      expect(setting.told('session.ended')[0]).toMatchObject({ sub: 'grace', sid: 'this' })
    })

    test('a session that began without a sid ends with any of its sub', async () => {
      const browser = await signInAs(setting, 'grace')
      expect((await post(sign({ sub: 'grace', sid: 'unheard of' }))).status).toBe(200)
      expect(await isSignedIn(setting, browser)).toBe(false)
    })

    test('a sid with the sub of somebody else ends nothing', async () => {
      const browser = await signInAs(setting, 'grace', 'hers')
      expect((await post(sign({ sub: 'alan', sid: 'hers' }))).status).toBe(200)
      expect(await isSignedIn(setting, browser)).toBe(true)
    })

    test('a token that comes again is refused, and who signed in meanwhile stays', async () => {
      const token = sign({ sub: 'again' })
      expect((await post(token)).status).toBe(200)
      const browser = await signInAs(setting, 'again')
      expect((await post(token)).status).toBe(400)
      expect(await isSignedIn(setting, browser)).toBe(true)
    })

    test('while the store is down the provider is told to try again, and then may', async () => {
      const browser = await signInAs(setting, 'ada', 'later')
      const token = sign({ sub: 'ada', sid: 'later' })
      store.isDown = true
      const answer = await post(token)
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '10'])
      expect(answer.headers.get('cache-control')).toBe('no-store')
      expect((await readJson(answer))['error']).toBe('temporarily_unavailable')
      store.isDown = false
      expect(await isSignedIn(setting, browser)).toBe(true)
      expect((await post(token)).status).toBe(200)
      expect(await isSignedIn(setting, browser)).toBe(false)
    })

    test('an app that has only just started and cannot get the keys says the same', async () => {
      const { provider } = setting
      const restarted = await startAnotherApp(framework, setting, {
        session: { secret, store: new session.MemoryStore() },
      })
      try {
        provider.behave.drop.jwks = true
        const logout_token = sign({ sub: 'ada' })
        const answer = await postToBackChannel(restarted.app.url, { logout_token })
        expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '10'])
        provider.behave.drop = {}
        expect((await postToBackChannel(restarted.app.url, { logout_token })).status).toBe(200)
      } finally {
        await restarted.close()
      }
    })

    test('a login that is under way meanwhile signs nobody in', async () => {
      setting.provider.behave.sub = 'ada'
      setting.provider.behave.sid = 'early'
      const browser = setting.browser()
      const start = await browser.navigate(`${setting.app.url}/profile`, { follow: false })
      const back = await browser.navigate(start.headers.location ?? '', { follow: false })
      // What begins in the same second may have begun after it
      await setTimeout(1100)
      expect((await post(sign({ sub: 'ada', sid: 'early' }))).status).toBe(200)
      await browser.navigate(back.headers.location ?? '', { follow: false })
      expect(await isSignedIn(setting, browser)).toBe(false)
    })

    test('only POST is taken', async () => {
      const answer = await fetch(`${setting.app.url}/backchannel-logout`)
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST'])
    })
  },
)

describe.each(mainFrameworks)('back-channel logout behind a body parser, on $name', (framework) => {
  test('takes the token, and refuses two', async () => {
    const overrides = { session: { secret, store: new session.MemoryStore() } }
    const setting = await startSetting(framework, overrides, { hasBodyParser: true })
    try {
      const browser = await signInAs(setting, 'ada')
      const twice = new URLSearchParams('logout_token=a&logout_token=b')
      expect((await postToBackChannel(setting.app.url, twice)).status).toBe(400)
      const logout_token = signLogoutToken(setting.provider, { sub: 'ada' })
      expect((await postToBackChannel(setting.app.url, { logout_token })).status).toBe(200)
      expect(await isSignedIn(setting, browser)).toBe(false)
    } finally {
      await setting.close()
    }
  })
})
