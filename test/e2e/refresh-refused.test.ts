import { createRelyingParty, type Options, type RelyingParty } from '@countersign/core'
import { generateClientKey } from '@countersign/testing'
import { MemoryStore } from 'express-session'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type App, startApp } from '../support/app.ts'
import { mainFrameworks } from '../support/frameworks.ts'
import { describeEach } from '../support/installed.ts'
import { type Behaviour, type Double, startDouble } from '../support/provider-double.ts'
import { openRedisStore, redisSkipReason, startRedis } from '../support/redis.ts'
import type { OpenStore, ServerProcess } from '../support/server-process.ts'
import { secret } from '../support/setting.ts'
import { createUserAgent, type UserAgent } from '../support/user-agent.ts'

let provider: Double
let clientKey: string
let redis: ServerProcess
let redisStore: OpenStore
let browsers: UserAgent[] = []

beforeAll(async () => {
  provider = await startDouble()
  const key = await generateClientKey()
  clientKey = key.privateKeyPem
  provider.registerClient({ clientId: 'app', jwks: { keys: [...key.jwks.keys] } })
  if (redisSkipReason !== undefined) return
  redis = await startRedis()
  redisStore = await openRedisStore(redis.url)
}, 60_000)
afterAll(async () => {
  await redisStore?.close()
  await redis?.close()
  await provider?.close()
})
beforeEach(() => {
  provider.reset()
  for (const browser of browsers) browser.close()
  browsers = []
})

const places: readonly {
  name: string
  skipReason?: string | undefined
  open: () => Options['session']['store']
}[] = [
  { name: 'a cookie', open: () => undefined },
  { name: 'a MemoryStore', open: () => new MemoryStore() },
  { name: 'Redis', skipReason: redisSkipReason, open: () => redisStore.store },
]
const cases = mainFrameworks.flatMap((framework) =>
  places.flatMap((place) =>
    (['end', 'sign-in'] as const).map((policy) => ({
      framework,
      place,
      policy,
      skipReason: place.skipReason,
    })),
  ),
)

describeEach(cases)(
  'on $framework.name, in $place.name, with "$policy"',
  ({ framework, place, policy }) => {
    let app: App
    let relyingParty: RelyingParty
    const isShared = place.name !== 'a cookie'
    beforeAll(async () => {
      const store = place.open()
      app = await startApp(framework, {
        options: (baseUrl) => {
          relyingParty = createRelyingParty({
            issuer: provider.issuer,
            clientId: 'app',
            clientKey,
            baseUrl,
            session: {
              secret,
              keep: ['idToken', 'accessToken', 'refreshToken'],
              refusedRefresh: policy,
              ...(store && { store }),
            },
          })
          return relyingParty
        },
      })
    })
    afterAll(() => app.close())

    async function signIn(): Promise<UserAgent> {
      const browser = createUserAgent()
      browsers.push(browser)
      expect((await browser.navigate(`${app.url}/profile`)).status).toBe(200)
      return browser
    }

    async function read(browser: UserAgent, path: string) {
      const { status, text } = await browser.navigate(`${app.url}${path}`, { follow: false })
      return [status, text.startsWith('{') ? JSON.parse(text).code : undefined]
    }

    const openHandshake = (browser: UserAgent) =>
      relyingParty.session({
        url: '/socket',
        headers: {
          origin: app.origin,
          cookie: browser
            .cookies(app.url)
            .map((one) => one.cookieString())
            .join('; '),
        },
      })

    test('a refused refresh token is the end of it until the End-User signs in again', async () => {
      const browser = await signIn()
      const sibling = browser.clone()
      provider.behave.refreshError = { error: 'invalid_grant' }
      const [status, code] = await read(browser, '/refresh')
      expect(status).toBe(401)
      expect(code).toBe(policy === 'end' ? 'ERR_SESSION_ENDED' : 'ERR_SIGN_IN_AGAIN')
      const isSignedIn = JSON.parse((await browser.navigate(`${app.url}/public`)).text)
      expect(isSignedIn.isAuthenticated).toBe(policy === 'sign-in')
      const again = policy === 'end' ? 'ERR_NOT_SIGNED_IN' : 'ERR_SIGN_IN_AGAIN'
      expect(await read(browser, '/token')).toEqual([401, again])
      // Wherever else the same session is looked at
      if (isShared) expect(await read(sibling, '/token')).toEqual([401, again])
      // A guard sends the End-User to the provider
      expect((await browser.navigate(`${app.url}/profile`, { follow: false })).status).toBe(303)
      provider.reset()
      expect((await browser.navigate(`${app.url}/profile`)).status).toBe(200)
      expect((await browser.navigate(`${app.url}/refresh`)).status).toBe(200)
    })

    test('a failure that is no refusal ends nothing', async () => {
      const browser = await signIn()
      const before = (await browser.navigate(`${app.url}/token`)).text
      const failures: readonly Partial<Behaviour>[] = [
        { tokenStatus: 503 },
        { drop: { token: true } },
        { tokenError: { error: 'invalid_client' } },
        { tokenError: { error: 'invalid_request' } },
        { tokenBody: '{}' },
      ]
      for (const failure of failures) {
        Object.assign(provider.behave, failure)
        const [status, code] = await read(browser, '/refresh')
        expect(status).toBeGreaterThanOrEqual(500)
        expect(code).not.toBe('ERR_SESSION_ENDED')
        expect((await browser.navigate(`${app.url}/token`)).text).toBe(before)
        provider.reset()
      }
      expect((await browser.navigate(`${app.url}/refresh`)).status).toBe(200)
    })

    test('an access token that is over, and cannot be refreshed, is the end of it as well', async () => {
      provider.behave.refreshTokens = 'never'
      provider.behave.accessTokenTtl = 10
      const browser = await signIn()
      const code = policy === 'end' ? 'ERR_SESSION_ENDED' : 'ERR_SIGN_IN_AGAIN'
      const session = await openHandshake(browser)
      await expect(session?.accessToken({ minLifetime: 11 })).rejects.toMatchObject({ code })
      if (!isShared) expect(await read(browser, '/token')).toEqual([401, code])
      provider.reset()
      expect((await browser.navigate(`${app.url}/profile`)).status).toBe(200)
      expect((await browser.navigate(`${app.url}/token`)).status).toBe(200)
      // Who wants more time than the provider gives ends nothing
      provider.behave.refreshTokens = 'never'
      const other = await openHandshake(await signIn())
      const wanted = other?.accessToken({ minLifetime: 7200 })
      await expect(wanted).rejects.toMatchObject({ code: 'ERR_SESSION_ENDED' })
      expect(await other?.accessToken()).toEqual(expect.any(String))
    })

    test('a WebSocket has no response to keep tokens in, and needs none where a store has them', async () => {
      provider.behave.accessTokenTtl = 10
      const browser = await signIn()
      provider.behave.accessTokenTtl = 3600
      const token = (await openHandshake(browser))?.accessToken()
      if (!isShared)
        return await expect(token).rejects.toMatchObject({ code: 'ERR_RESPONSE_STARTED' })
      expect((await browser.navigate(`${app.url}/token`)).text).toBe(await token)
    })

    test('a refused refresh token of a WebSocket is the same to all requests', async () => {
      if (!isShared) return
      provider.behave.accessTokenTtl = 10
      const browser = await signIn()
      provider.behave.refreshError = { error: 'invalid_grant' }
      const session = await openHandshake(browser)
      const code = policy === 'end' ? 'ERR_SESSION_ENDED' : 'ERR_SIGN_IN_AGAIN'
      await expect(session?.accessToken()).rejects.toMatchObject({ code })
      const again = policy === 'end' ? 'ERR_NOT_SIGNED_IN' : 'ERR_SIGN_IN_AGAIN'
      expect(await read(browser, '/token')).toEqual([401, again])
    })
  },
)
