import { createRelyingParty } from '@countersign/core'
import { oidc, requireLogin } from '@countersign/express'
import express from 'express'
import session from 'express-session'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type App, type Framework, startApp } from '../support/app.ts'
import { express5App } from '../support/apps/express.ts'
import { mainFrameworks } from '../support/frameworks.ts'
import { describeUnless } from '../support/installed.ts'
import { type Double, startDouble } from '../support/provider-double.ts'
import { openRedisStore, redisSkipReason, startRedis } from '../support/redis.ts'
import type { OpenStore, ServerProcess } from '../support/server-process.ts'
import { type Setting, secret, startAnotherApp, startSetting } from '../support/setting.ts'
import { createUserAgent } from '../support/user-agent.ts'
import {
  isSignedIn,
  openUnreliableStore,
  postToBackChannel,
  readJson,
  signInAs,
  signLogoutToken,
} from './support/logout-tokens.ts'

const cookie = { name: 'session' }

describeUnless(redisSkipReason)('back-channel logout with sessions in Redis', () => {
  let redis: ServerProcess
  const stores: OpenStore[] = []
  const apps: Setting[] = []
  beforeAll(async () => {
    redis = await startRedis()
    const open = async () => {
      const store = await openRedisStore(redis.url)
      stores.push(store)
      return { session: { secret, cookie, store: store.store } }
    }
    const [first, ...others] = mainFrameworks
    const setting = await startSetting(first ?? express5App, await open())
    apps.push(setting)
    for (const framework of others) {
      apps.push(await startAnotherApp(framework, setting, await open()))
    }
  })
  afterAll(async () => {
    for (const app of [...apps].reverse()) await app.close()
    for (const store of stores) await store.close()
    await redis?.close()
  })

  test('reaches every process, whichever gets the token; and a token is used up in all of them', async () => {
    for (const receiving of apps) {
      const browser = await signInAs(receiving, 'ada', `at ${receiving.app.url}`)
      // A cookie knows no port
      for (const app of apps) expect(await isSignedIn(app, browser)).toBe(true)
      const logout_token = signLogoutToken(receiving.provider, {
        sub: 'ada',
        sid: `at ${receiving.app.url}`,
      })
      const answer = await postToBackChannel(receiving.app.url, { logout_token })
      expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store'])
      for (const app of apps) {
        expect(await isSignedIn(app, browser)).toBe(false)
        expect((await postToBackChannel(app.app.url, { logout_token })).status).toBe(400)
      }
    }
  })
})

describe.each(mainFrameworks)(
  'with sessions in cookies and a logout.store, on $name',
  (framework) => {
    const store = openUnreliableStore()
    let setting: Setting
    beforeAll(async () => {
      setting = await startSetting(framework, { session: { secret, cookie }, logout: { store } })
    })
    afterAll(() => setting.close())

    const post = (claims: Readonly<Record<string, unknown>>) =>
      postToBackChannel(setting.app.url, {
        logout_token: signLogoutToken(setting.provider, claims),
      })

    test('a token ends the session of its sid, copies of the cookie too, and is used up', async () => {
      const browser = await signInAs(setting, 'ada', 'one')
      const copy = browser.clone()
      const other = await signInAs(setting, 'ada', 'two')
      const logout_token = signLogoutToken(setting.provider, { sub: 'ada', sid: 'one' })
      const answer = await postToBackChannel(setting.app.url, { logout_token })
      expect(answer.status).toBe(200)
      expect(await isSignedIn(setting, browser)).toBe(false)
      expect(await isSignedIn(setting, copy)).toBe(false)
      expect(await isSignedIn(setting, other)).toBe(true)
      expect((await postToBackChannel(setting.app.url, { logout_token })).status).toBe(400)
      expect(setting.told('session.ended').at(-1)).toEqual({
        type: 'session.ended',
        by: 'back-channel',
        sub: 'ada',
        sid: 'one',
        sessions: undefined,
      })
    })

    test('a sid with the sub of somebody else ends nothing', async () => {
      const browser = await signInAs(setting, 'ada', 'hers')
      expect((await post({ sub: 'alan', sid: 'hers' })).status).toBe(200)
      expect(await isSignedIn(setting, browser)).toBe(true)
    })

    test('without a sid all sessions of the sub end', async () => {
      const first = await signInAs(setting, 'grace', 'three')
      const second = await signInAs(setting, 'grace')
      const other = await signInAs(setting, 'ada', 'four')
      expect((await post({ sub: 'grace' })).status).toBe(200)
      expect(await isSignedIn(setting, first)).toBe(false)
      expect(await isSignedIn(setting, second)).toBe(false)
      expect(await isSignedIn(setting, other)).toBe(true)
    })

    test('while the store is down the provider is told to try again', async () => {
      store.isDown = true
      const answer = await post({ sub: 'ada' })
      store.isDown = false
      expect(answer.status).toBe(503)
    })
  },
)

describe.each(mainFrameworks)(
  'with sessions in cookies and nothing else, on $name',
  (framework) => {
    test('the provider is told that it cannot be done, and so is the app', async () => {
      const setting = await startSetting(framework)
      try {
        const browser = await signInAs(setting, 'ada')
        const logout_token = signLogoutToken(setting.provider, { sub: 'ada' })
        const answer = await postToBackChannel(setting.app.url, { logout_token })
        expect([answer.status, answer.headers.get('cache-control')]).toEqual([400, 'no-store'])
        expect((await readJson(answer))['error_description']).toMatch('cannot end sessions')
        expect(setting.told('request.refused')[0]?.error.message).toMatch('"logout.store"')
        expect(await isSignedIn(setting, browser)).toBe(true)
      } finally {
        await setting.close()
      }
    })
  },
)

/** An app that keeps the login in a session of its own. */
const ownSessionApp: Framework = {
  name: 'Express with express-session',
  build(options) {
    const app = express()
    app.use(session({ secret, resave: false, saveUninitialized: false }), oidc(options))
    app.get('/public', (req, res) => void res.json({ isAuthenticated: req.oidc.isAuthenticated }))
    app.get('/profile', requireLogin(), (_req, res) => void res.send('profile'))
    return app
  },
}

test("with sessions in the app's own and a logout.store, a token ends the session", async () => {
  const setting = await startSetting(ownSessionApp, {
    session: { secret, store: 'framework' },
    logout: { store: openUnreliableStore() },
  })
  try {
    const browser = await signInAs(setting, 'ada', 'one')
    const other = await signInAs(setting, 'ada', 'two')
    const logout_token = signLogoutToken(setting.provider, { sub: 'ada', sid: 'one' })
    expect((await postToBackChannel(setting.app.url, { logout_token })).status).toBe(200)
    expect(await isSignedIn(setting, browser)).toBe(false)
    expect(await isSignedIn(setting, other)).toBe(true)
  } finally {
    await setting.close()
  }
})

describe('with several providers', () => {
  const events: string[] = []
  let doubles: readonly [Double, Double]
  let app: App
  beforeAll(async () => {
    doubles = [await startDouble(), await startDouble()]
    for (const double of doubles) double.trustAnyClient()
    const clientAuth = { method: 'none' } as const
    app = await startApp(express5App, {
      options: (baseUrl) =>
        createRelyingParty({
          providers: {
            first: { issuer: doubles[0].issuer, clientId: 'app', clientAuth },
            second: { issuer: doubles[1].issuer, clientId: 'app', clientAuth },
          },
          baseUrl,
          session: { secret, store: new session.MemoryStore() },
          onEvent(event) {
            if (event.type === 'session.ended') events.push(event.provider ?? '')
          },
        }),
    })
  })
  afterAll(async () => {
    await app.close()
    for (const double of doubles) await double.close()
  })

  async function signInAt(name: 'first' | 'second') {
    doubles[name === 'first' ? 0 : 1].behave.sub = 'ada'
    const browser = createUserAgent()
    await browser.navigate(`${app.url}/login/${name}?returnTo=/public`)
    expect(await isSignedIn({ app }, browser)).toBe(true)
    return browser
  }

  test.each([
    ['the path that all share', ''],
    ['the path of the provider', '/first'],
  ])('a token at %s ends the sessions of its provider alone', async (_, below) => {
    const ours = await signInAt('first')
    const others = await signInAt('second')
    const logout_token = signLogoutToken(doubles[0], { sub: 'ada' })
    const url = `${app.url}/backchannel-logout`
    const post = (path: string) =>
      fetch(url + path, { method: 'POST', body: new URLSearchParams({ logout_token }) })
    expect((await post('/second')).status).toBe(400)
    expect((await post('/nowhere')).status).toBe(400)
    events.length = 0
    expect((await post(below)).status).toBe(200)
    expect(events).toEqual(['first'])
    expect(await isSignedIn({ app }, ours)).toBe(false)
    expect(await isSignedIn({ app }, others)).toBe(true)
    ours.close()
    others.close()
  })

  test('a token for no client of the app is refused', async () => {
    for (const claims of [{ aud: 'other' }, { iss: 'https://other.example' }]) {
      const logout_token = signLogoutToken(doubles[0], { sub: 'ada', ...claims })
      expect((await postToBackChannel(app.url, { logout_token })).status).toBe(400)
    }
    expect((await postToBackChannel(app.url, { logout_token: 'x' })).status).toBe(400)
  })
})
