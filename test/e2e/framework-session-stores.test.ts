import { RedisStore } from 'connect-redis'
import { createClient } from 'redis'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { sessionFrameworks } from '../support/apps/framework-sessions.ts'
import { countWaiting, letGo } from '../support/apps/session-pages.ts'
import { describeEach } from '../support/installed.ts'
import { openRedisStore, redisSkipReason, startRedis } from '../support/redis.ts'
import type { OpenStore, ServerProcess } from '../support/server-process.ts'
import { type Setting, secret, signIn, startAnotherApp, startSetting } from '../support/setting.ts'
import type { UserAgent } from '../support/user-agent.ts'

const session = {
  secret,
  store: 'framework',
  // The same for an app on another port
  cookie: { name: 'login' },
  keep: ['accessToken', 'refreshToken'],
} as const

let redis: ServerProcess
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.close())

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function track<Closing extends { close(): Promise<void> }>(
  opening: Promise<Closing>,
): Promise<Closing> {
  const opened = await opening
  closing.push(() => opened.close())
  return opened
}

/** A store that says at once when it is not there. */
async function openFailingStore(): Promise<OpenStore> {
  const client = createClient({
    url: redis.url,
    disableOfflineQueue: true,
    socket: { reconnectStrategy: 50 },
  })
  client.on('error', () => {})
  await client.connect()
  return { store: new RedisStore({ client }), close: async () => client.destroy() }
}

async function get({ app }: Setting, browser: UserAgent, path: string) {
  const { status, text } = await browser.navigate(app.url + path)
  return { status, ...(text.startsWith('{') ? JSON.parse(text) : { text }) }
}

const stored = sessionFrameworks
  .filter(({ hasStore }) => hasStore)
  .map((framework) => ({ ...framework, skipReason: redisSkipReason }))

describeEach(stored)('$name over Redis', ({ create }) => {
  test('answers no login and forgets nobody while the store is away', async () => {
    const { store } = await track(openFailingStore())
    const setting = await track(startSetting(create({ store }), { session }))
    const browser = await signIn(setting)
    await redis.kill()
    // The framework's own refusal: nobody is taken for an anonymous visitor
    expect((await get(setting, browser, '/public')).status).toBe(500)
    const visitor = setting.browser()
    expect(await get(setting, visitor, '/public')).toEqual({ status: 200, sub: null })
    const page = await visitor.navigate(`${setting.app.url}/profile`)
    expect(page.status).toBe(503)
    expect(setting.told('login.failed')[0]?.error.code).toBe('ERR_SESSION_STORE')
    await redis.restart()
    await expect
      .poll(() => get(setting, browser, '/public'), { timeout: 20_000 })
      .toMatchObject({
        status: 200,
        sub: expect.any(String),
      })
    expect((await visitor.navigate(`${setting.app.url}/profile`)).status).toBe(200)
  })

  test('does not wait for a store that does not answer', async () => {
    const { store } = await track(openRedisStore(redis.url))
    const setting = await track(
      startSetting(create({ store }), { session: { ...session, storeTimeout: 0.3 } }),
    )
    await redis.kill()
    const visitor = setting.browser()
    expect((await visitor.navigate(`${setting.app.url}/profile`)).status).toBe(503)
    await redis.restart()
  })

  test('has tokens refreshed once by two processes, where they have a lock', async () => {
    const { store } = await track(openRedisStore(redis.url))
    const options = { session, logout: { store } }
    const first = await track(startSetting(create({ store }), options))
    const second = await track(startAnotherApp(create({ store }), first, options))
    first.provider.behave.accessTokenTtl = 10
    const browser = await signIn(first)
    first.provider.behave.accessTokenTtl = 3600
    first.provider.behave.delay.token = 50
    const pages = await Promise.all(
      [first, second, first, second].map((setting) => get(setting, browser.clone(), '/token')),
    )
    expect(pages.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(new Set(pages.map(({ token }) => token)).size).toBe(1)
    // What each response has written at its end are the new ones
    for (const setting of [first, second]) {
      expect((await get(setting, browser.clone(), '/token')).token).toBe(pages[0].token)
    }
    const refreshes = [first, second].flatMap((setting) => setting.told('token.refreshed'))
    expect(refreshes).toHaveLength(1)
  })

  test('takes the tokens of the process that was faster, without a lock', async () => {
    const { store } = await track(openRedisStore(redis.url))
    const first = await track(startSetting(create({ store }), { session }))
    const second = await track(startAnotherApp(create({ store }), first, { session }))
    first.provider.behave.accessTokenTtl = 10
    const browser = await signIn(first)
    first.provider.behave.accessTokenTtl = 3600
    first.provider.behave.delay.token = 50
    const pages = await Promise.all(
      [first, second].map((setting) => get(setting, browser.clone(), '/token')),
    )
    expect(pages.map(({ status }) => status)).toEqual([200, 200])
    const [one, two] = await Promise.all(
      [first, second].map((setting) => get(setting, browser.clone(), '/token')),
    )
    expect(one.token).toBe(two.token)
  })

  test('has its new tokens after a slow request has written the old ones', async () => {
    const { store } = await track(openRedisStore(redis.url))
    const setting = await track(startSetting(create({ store }), { session }))
    setting.provider.behave.accessTokenTtl = 10
    const browser = await signIn(setting)
    setting.provider.behave.accessTokenTtl = 3600
    const isDone = get(setting, browser.clone(), '/slow-add').then(() => true)
    // It has read its session when it waits
    await expect.poll(countWaiting, { timeout: 20_000 }).toBe(1)
    const { token } = await get(setting, browser, '/token')
    letGo()
    expect(await isDone).toBe(true)
    expect(await get(setting, browser, '/token')).toEqual({ status: 200, token })
    expect(setting.told('token.refreshed')).toHaveLength(1)
  })
})
