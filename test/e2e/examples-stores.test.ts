import { type Provider, startProvider } from '@countersign/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  exampleNames,
  type RegisteredExample,
  runExample,
  startRegisteredExample,
} from '../support/examples.ts'
import { describeEach } from '../support/installed.ts'
import { postgresSkipReason, startPostgres } from '../support/postgres.ts'
import { redisSkipReason, startRedis } from '../support/redis.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { createUserAgent } from '../support/user-agent.ts'

let provider: Provider
beforeAll(async () => {
  provider = await startProvider({ interaction: 'auto' })
})
afterAll(() => provider?.close())

/** How a login in a new browser ends, and how the app answers the session it made. */
async function readLogin({ url }: RegisteredExample): Promise<string> {
  const browser = createUserAgent()
  const { status, text } = await browser.navigate(`${url}/profile`)
  browser.close()
  const [place] = /(?<=with a session in )[^<]+/.exec(text) ?? []
  return place ?? `${status}`
}

const kinds = [
  { kind: 'Redis', skipReason: redisSkipReason, variable: 'REDIS_URL', start: startRedis },
  {
    kind: 'PostgreSQL',
    skipReason: postgresSkipReason,
    variable: 'DATABASE_URL',
    start: startPostgres,
  },
] as const

describe.each(exampleNames)('the %s example', (name) => {
  describeEach(kinds)('with sessions in $kind', ({ kind, variable, start }) => {
    let server: ServerProcess
    beforeAll(async () => {
      server = await start()
    }, 60_000)
    afterAll(() => server?.close())

    test('starts while that is down, says so, and works once it is there', async () => {
      await server.kill()
      const example = await startRegisteredExample(name, provider, { [variable]: server.url })
      try {
        expect((await fetch(`${example.url}/`)).status).toBe(200)
        expect(await readLogin(example)).toBe('503')
        await server.restart()
        await expect.poll(() => readLogin(example), { timeout: 20_000 }).toBe(kind)
        await server.kill()
        expect((await fetch(`${example.url}/`)).status).toBe(200)
        expect(await readLogin(example)).toBe('503')
      } finally {
        const { code, stderr } = await example.stop()
        expect(code).toBe(0)
        expect(stderr).toContain(`${kind}: ECONNREFUSED\n`)
        const expected = new RegExp(
          `^(${kind}: .+|login\\.failed: ERR_SESSION_STORE: .+ \\(reference \\w+\\))$`,
        )
        const lines = stderr.trimEnd().split('\n')
        expect(lines.filter((line) => !expected.test(line))).toEqual([])
      }
    })
  })

  test('keeps sessions in its memory when told to', async () => {
    const example = await startRegisteredExample(name, provider, { SESSION_STORE: 'memory' })
    try {
      expect(await readLogin(example)).toBe('this process')
    } finally {
      expect(await example.stop()).toMatchObject({ code: 0, stderr: '' })
    }
  })

  test('refuses to start with a URL that is none, and does not say the password in it', async () => {
    const ending = await runExample(name, {
      OIDC_ISSUER: provider.issuer,
      OIDC_CLIENT_ID: name,
      OIDC_CLIENT_SECRET: 'a client secret for tests',
      OIDC_BASE_URL: 'http://localhost:3000',
      OIDC_SESSION_SECRET: 'a session secret for tests and nothing but tests',
      REDIS_URL: 'redis://user:hunter2@host:port',
    })
    expect(ending).toEqual({
      code: 2,
      stdout: '',
      stderr: 'REDIS_URL is no URL of Redis (redis://localhost:6379)\n',
    })
  })
})

const noRedis = 'REDIS_URL is no URL of Redis (redis://localhost:6379)'
const noPostgres = 'DATABASE_URL is no URL of PostgreSQL (postgres://user@localhost:5432/app)'
const noStore =
  'SESSION_STORE can only be "memory": a store is named by its REDIS_URL or DATABASE_URL'

test.each([
  ['REDIS_URL', 'redis://user:hunter2@host:port', noRedis],
  ['REDIS_URL', 'redis://user:hunter2%@host', noRedis],
  ['REDIS_URL', 'user:hunter2@host', noRedis],
  ['REDIS_URL', 'localhost:6379', noRedis],
  ['DATABASE_URL', 'postgres://user:hunter2@host:port/app', noPostgres],
  ['DATABASE_URL', 'user:hunter2@host/app', noPostgres],
  ['DATABASE_URL', 'localhost:5432', noPostgres],
  ['DATABASE_URL', 'mysql://localhost/app', noPostgres],
  ['SESSION_STORE', 'redis', noStore],
  ['SESSION_STORE', 'redis://user:hunter2@host', noStore],
])(
  'their store.js refuses %s=%s in words of its own, without the cause',
  async (variable, value, message) => {
    const url = new URL('../../examples/express/store.js', import.meta.url)
    const { withStore } = await import(url.href)
    let fault: unknown
    try {
      withStore({ session: {} }, { [variable]: value })
    } catch (error) {
      fault = error
    }
    expect(fault).toBeInstanceOf(TypeError)
    expect(fault).toMatchObject({ message })
    expect(fault).not.toHaveProperty('cause')
  },
)
