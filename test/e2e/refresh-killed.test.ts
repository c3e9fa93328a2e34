import { setTimeout as delay } from 'node:timers/promises'
import { generateClientKey } from '@countersign/testing'
import { createClient } from 'redis'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { describeUnless } from '../support/installed.ts'
import { type Double, startDouble } from '../support/provider-double.ts'
import { redisSkipReason, startRedis } from '../support/redis.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { secret } from '../support/setting.ts'
import { createUserAgent } from '../support/user-agent.ts'
import { type AppProcess, findAppUrl, startSessionApps } from './support/session-apps.ts'

let redis: ServerProcess
let provider: Double
let clientKey: string
let apps: readonly [AppProcess, AppProcess]
let cookie: string

beforeAll(async () => {
  redis = await startRedis()
  provider = await startDouble()
  const key = await generateClientKey()
  clientKey = key.privateKeyPem
  provider.registerClient({ clientId: 'app', jwks: { keys: [...key.jwks.keys] } })
}, 60_000)
afterAll(async () => {
  await provider?.close()
  await redis?.close()
})

beforeEach(async () => {
  provider.reset()
  const url = await findAppUrl()
  const [one, other] = await startSessionApps(2, url, {
    env: { REDIS_URL: redis.url },
    options: {
      issuer: provider.issuer,
      clientId: 'app',
      clientKey,
      session: { secret, keep: ['accessToken', 'refreshToken'] },
    },
  })
  if (!one || !other) throw new Error('two apps were asked for')
  apps = [one, other]
  provider.behave.accessTokenTtl = 10
  const browser = createUserAgent()
  expect((await browser.navigate(`${url}/profile`)).status).toBe(200)
  cookie = browser
    .cookies(url)
    .map((one) => one.cookieString())
    .join('; ')
  browser.close()
  provider.behave.accessTokenTtl = 3600
}, 60_000)
afterEach(async () => {
  for (const app of apps) await app.close()
})

const refreshes = () =>
  provider.requestsTo('token').filter(({ form }) => form.get('grant_type') === 'refresh_token')

async function ask(
  app: AppProcess,
): Promise<{ status: number; code?: string; accessToken?: string }> {
  const response = await fetch(`${app.url}/token`, { headers: { cookie } })
  return { status: response.status, ...((await response.json()) as object) }
}

/** Looks at a page that needs the session, and no token. */
async function visit(app: AppProcess): Promise<number> {
  const how = { headers: { cookie }, redirect: 'manual' } as const
  return (await fetch(`${app.url}/profile`, how)).status
}

async function refreshArrives(): Promise<void> {
  await expect.poll(() => refreshes().length, { timeout: 15_000, interval: 10 }).toBe(1)
}

/** Has the provider issue new tokens, and keep them to itself until it is told to answer. */
function holdAnswer(): { readonly issued: Promise<void>; answer(): void } {
  let answer = () => {}
  const told = new Promise<void>((resolve) => {
    answer = resolve
  })
  const issued = new Promise<void>((resolve) => {
    provider.behave.refreshedIdToken = {
      async wrap(signed) {
        resolve()
        await told
        return signed
      },
    }
  })
  return { issued, answer }
}

/** The holder's lock, and its end before its time. */
async function expireLock(): Promise<number> {
  const client = createClient({ url: redis.url })
  client.on('error', () => {})
  await client.connect()
  try {
    const [lock = ''] = await client.keys('*:lock:refresh:*')
    const left = await client.pTTL(lock)
    await client.pExpire(lock, 1)
    return left
  } finally {
    client.destroy()
  }
}

describeUnless(redisSkipReason)('a refresh', () => {
  test('of a process that was killed meanwhile is waited for, until its lock expires', async () => {
    const [holder, other] = apps
    provider.behave.hang.token = true
    const lost = ask(holder).catch((error: unknown) => error)
    await refreshArrives()
    await holder.kill()
    expect(await lost).toBeInstanceOf(TypeError)
    provider.behave.hang.token = false
    const answer = ask(other)
    // It cannot know that nobody is at it any more
    await expect(Promise.race([answer, delay(500)])).resolves.toBe(undefined)
    expect(refreshes()).toHaveLength(1)
    const left = await expireLock()
    expect(left).toBeGreaterThan(0)
    expect(left).toBeLessThanOrEqual(30_000)
    expect(await answer).toMatchObject({ status: 200, accessToken: expect.any(String) })
    expect(refreshes()).toHaveLength(2)
  })

  test('new tokens that went down with their process end the session, in a clear error', async () => {
    const [holder, other] = apps
    const held = holdAnswer()
    const lost = ask(holder).catch((error: unknown) => error)
    await held.issued
    await holder.kill()
    held.answer()
    await lost
    // The provider gives them to nobody
    const answer = ask(other)
    await expireLock()
    expect(await answer).toMatchObject({ status: 401, code: 'ERR_SESSION_ENDED' })
    expect(await ask(other)).toMatchObject({ status: 401, code: 'ERR_NOT_SIGNED_IN' })
  })

  test('new tokens survive a store that is killed before they are in it, and started again', async () => {
    const [one, other] = apps
    const held = holdAnswer()
    const answer = ask(one)
    await held.issued
    await redis.kill()
    held.answer()
    await expect
      .poll(() => one.events.map(({ type }) => type), { timeout: 15_000, interval: 10 })
      .toContain('token.refreshed')
    await redis.restart()
    const { status, accessToken } = await answer
    expect(status).toBe(200)
    for (const app of [other, one]) {
      // Each connects again in its own time
      await expect.poll(() => visit(app), { timeout: 15_000 }).toBe(200)
      expect(await ask(app)).toMatchObject({ status: 200, accessToken })
    }
    expect(refreshes()).toHaveLength(1)
  })
})
