import { generateClientKey, type Provider, startProvider } from '@countersign/testing'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { describeEach } from '../support/installed.ts'
import { postgresSkipReason, startPostgres } from '../support/postgres.ts'
import { redisSkipReason, startRedis } from '../support/redis.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { secret } from '../support/setting.ts'
import { createUserAgent, type UserAgent } from '../support/user-agent.ts'
import { type AppProcess, findAppUrl, startSessionApps } from './support/session-apps.ts'

const accessTokenTtl = 300
const stores = [
  { name: 'Redis', skipReason: redisSkipReason, start: startRedis, variable: 'REDIS_URL' },
  {
    name: 'PostgreSQL',
    skipReason: postgresSkipReason,
    start: startPostgres,
    variable: 'DATABASE_URL',
  },
]

describeEach(stores)('two processes with one $name', ({ start, variable }) => {
  let server: ServerProcess
  let provider: Provider
  let apps: readonly AppProcess[]
  let url: string
  let browser: UserAgent
  let ahead = 0
  let ticking: NodeJS.Timeout | undefined

  beforeAll(async () => {
    const key = await generateClientKey()
    provider = await startProvider({
      interaction: 'auto',
      tokens: { accessTokenTtl, refreshTokens: 'always' },
    })
    server = await start()
    // Free now: the less time until it is taken, the better
    url = await findAppUrl()
    const redirectUris = [`${url}/callback`]
    await provider.addClient({ clientId: 'app', jwks: key.jwks, redirectUris })
    apps = await startSessionApps(2, url, {
      env: { [variable]: server.url },
      options: {
        issuer: provider.issuer,
        clientId: 'app',
        clientKey: key.privateKeyPem,
        session: { secret, keep: ['accessToken', 'refreshToken'] },
      },
    })
    browser = createUserAgent()
    // The provider lives in this process, and at the time of the apps, which goes on
    vi.useFakeTimers({ toFake: ['Date'] })
    ticking = setInterval(tick, 100)
  }, 60_000)
  afterAll(async () => {
    clearInterval(ticking)
    vi.useRealTimers()
    browser?.close()
    for (const app of apps ?? []) await app.close()
    await server?.close()
    await provider?.close()
  })
  afterEach(() => {
    expect(provider.tokenRequests.filter(({ error }) => error !== undefined)).toEqual([])
  })

  const refreshes = () =>
    provider.tokenRequests.filter(({ grantType }) => grantType === 'refresh_token')

  function tick(): void {
    vi.setSystemTime(vi.getRealSystemTime() + ahead * 1000)
  }

  async function advance(seconds: number): Promise<void> {
    ahead += seconds
    tick()
    for (const app of apps) await app.advance(seconds)
  }

  /** Requests of one browser, in turn at each process. */
  async function ask(count: number, path: string): Promise<readonly Answer[]> {
    const cookie = browser
      .cookies(url)
      .map((one) => one.cookieString())
      .join('; ')
    const requests = Array.from({ length: count }, async (_, index): Promise<Answer> => {
      const response = await fetch(`${apps[index % apps.length]?.url}${path}`, {
        headers: { cookie },
      })
      return { status: response.status, ...((await response.json()) as object) }
    })
    return await Promise.all(requests)
  }

  async function isGood(accessToken: string | undefined): Promise<boolean> {
    const metadata = await fetch(`${provider.issuer}/.well-known/openid-configuration`)
    const { userinfo_endpoint } = (await metadata.json()) as { userinfo_endpoint: string }
    const headers = { authorization: `Bearer ${accessToken}` }
    return (await fetch(userinfo_endpoint, { headers })).ok
  }

  test('refresh once for 50 parallel requests, each time that the access token has expired', async () => {
    await browser.navigate(`${url}/profile`)
    const [first] = await ask(1, '/token')
    const seen = new Set([first?.accessToken])
    for (let round = 1; round <= 4; round++) {
      await advance(accessTokenTtl)
      const answers = await ask(50, '/token')
      expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(200))
      const tokens = new Set(answers.map(({ accessToken }) => accessToken))
      expect(tokens.size).toBe(1)
      expect(refreshes()).toHaveLength(round)
      for (const token of tokens) {
        seen.add(token)
        expect(await isGood(token)).toBe(true)
      }
      expect(seen.size).toBe(round + 1)
    }
    expect(new Set((await ask(10, '/token')).map(({ accessToken }) => accessToken)).size).toBe(1)
    expect(refreshes()).toHaveLength(4)
  })

  test('take a refresh that was asked for of both at once for one', async () => {
    const before = refreshes().length
    const answers = await ask(10, '/refresh')
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200))
    expect(refreshes().length - before).toBeGreaterThanOrEqual(1)
    const [last] = await ask(1, '/token')
    expect(await isGood(last?.accessToken)).toBe(true)
  })
})

interface Answer {
  readonly status: number
  readonly accessToken?: string
  readonly code?: string
}
