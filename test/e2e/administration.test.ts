import {
  createRelyingParty,
  type OidcEvent,
  type Options,
  type RelyingParty,
} from '@countersign/core'
import { createSession } from '@countersign/testing'
import session from 'express-session'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { describeEach } from '../support/installed.ts'
import { openPostgresStore, postgresSkipReason, startPostgres } from '../support/postgres.ts'
import { type Double, startDouble } from '../support/provider-double.ts'
import { openRedisStore, redisSkipReason, startRedis } from '../support/redis.ts'
import type { OpenStore, ServerProcess } from '../support/server-process.ts'
import { secret } from '../support/setting.ts'

/** Where sessions can be, and how each process opens it. */
const places = [
  { name: 'MemoryStore', start: startNothing, open: openMemoryStore },
  { name: 'Redis', skipReason: redisSkipReason, start: startRedis, open: openRedisStore },
  {
    name: 'PostgreSQL',
    skipReason: postgresSkipReason,
    start: startPostgres,
    open: openPostgresStore,
  },
]

async function startNothing(): Promise<Pick<ServerProcess, 'url' | 'close'>> {
  return { url: '', close: async () => {} }
}

const memoryStore = new session.MemoryStore()

async function openMemoryStore(): Promise<OpenStore> {
  return { store: memoryStore, close: async () => {} }
}

let provider: Double
const events: OidcEvent[] = []
beforeAll(async () => {
  provider = await startDouble()
  provider.trustAnyClient()
})
afterAll(() => provider.close())
beforeEach(() => {
  provider.reset()
  events.length = 0
})

/** One process of the app. */
function createProcess(overrides: Partial<Options>): RelyingParty {
  return createRelyingParty({
    issuer: provider.issuer,
    clientId: 'app',
    clientAuth: { method: 'none' },
    baseUrl: 'http://localhost:3000',
    http: { timeout: 5 },
    session: { secret },
    onEvent: (event) => events.push(event),
    ...overrides,
  })
}

/** Who sends this cookie, as the app sees it. */
async function visit({ receive }: RelyingParty, cookie: string): Promise<string | undefined> {
  const { oidc } = await receive({
    method: 'GET',
    target: '/',
    header: (name) => (name === 'cookie' ? cookie : undefined),
    form: () => Promise.resolve(new URLSearchParams()),
    setCookie: () => {},
    isStarted: () => false,
    send: () => {},
  })
  return oidc?.user?.sub
}

const told = () => events.filter(({ type }) => type === 'session.ended')

describeEach(places)('sessions in $name', ({ start, open }) => {
  let server: Pick<ServerProcess, 'url' | 'close'>
  let stores: readonly [OpenStore, OpenStore]
  beforeAll(async () => {
    server = await start()
    stores = [await open(server.url), await open(server.url)]
  })
  afterAll(async () => {
    await Promise.all(stores?.map((store) => store.close()) ?? [])
    await server?.close()
  })

  /** Two processes of an app that keeps tokens, and whose sessions no other test has. */
  function createProcesses(
    overrides: Partial<Options['session']> = {},
    more: Partial<Options> = {},
  ) {
    const clientId = `app-${Math.random()}`
    const [one, other] = stores.map(({ store }) =>
      createProcess({
        clientId,
        session: { secret, store, keep: ['accessToken', 'refreshToken'], ...overrides },
        ...more,
      }),
    )
    if (!one || !other) throw new Error('there are two stores')
    return { one, other }
  }

  test('are listed by End-User, oldest first, with nothing secret in them', async () => {
    const { one, other } = createProcesses()
    const now = Math.floor(Date.now() / 1000)
    const tokens = { accessToken: 'secret-access', refreshToken: 'secret-refresh' }
    const claims = { sub: 'ada', sid: 'sid-1', acr: 'strong', name: 'Ada' }
    const { cookie } = await createSession(one, claims, { tokens })
    await createSession(other, { sub: 'ada' })
    await createSession(other, { sub: 'grace' })
    const sessions = await other.sessions.list('ada')
    expect(sessions).toEqual([
      {
        id: expect.any(String),
        sub: 'ada',
        issuer: provider.issuer,
        provider: undefined,
        sid: 'sid-1',
        acr: 'strong',
        createdAt: expect.any(Number),
      },
      expect.objectContaining({ sub: 'ada', sid: undefined }),
    ])
    expect(sessions[0]?.createdAt).toBeGreaterThanOrEqual(now)
    expect(JSON.stringify(sessions)).not.toContain('secret-')
    // Who has the identifier has no session
    const [name] = cookie.split('=')
    expect(await visit(one, `${name}=${sessions[0]?.id}`)).toBeUndefined()
    expect(await one.sessions.list('nobody')).toEqual([])
  })

  test('are ended one by one, in every process, and their tokens are revoked', async () => {
    const { one, other } = createProcesses()
    const tokens = { accessToken: 'access', refreshToken: 'refresh' }
    const first = await createSession(one, { sub: 'ada', sid: 'sid-1' }, { tokens })
    const second = await createSession(one, { sub: 'ada' })
    const [listed] = await other.sessions.list('ada')
    expect(await other.sessions.end(listed?.id ?? '')).toBe(true)
    expect(await visit(one, first.cookie)).toBeUndefined()
    expect(await visit(one, second.cookie)).toBe('ada')
    expect(await one.sessions.list('ada')).toHaveLength(1)
    const revoked = provider.requestsTo('revocation').map(({ form }) => form.get('token'))
    expect(revoked).toEqual(['refresh', 'access'])
    expect(told()).toEqual([
      {
        type: 'session.ended',
        by: 'administration',
        provider: undefined,
        sub: 'ada',
        sid: 'sid-1',
        sessions: 1,
      },
    ])
    expect(await one.sessions.end(listed?.id ?? '')).toBe(false)
    expect(await one.sessions.end('no such session')).toBe(false)
    expect(told()).toHaveLength(1)
  })

  test('are ended all at once, also a thousand', { timeout: 120_000 }, async () => {
    const many = 1000
    const { one, other } = createProcesses()
    const cookies: string[] = []
    for (let count = 0; count < many; count++) {
      cookies.push((await createSession(one, { sub: 'ada' })).cookie)
    }
    const grace = await createSession(one, { sub: 'grace' })
    expect(await other.sessions.list('ada')).toHaveLength(many)
    expect(await other.sessions.endAll('ada')).toBe(many)
    expect(await other.sessions.list('ada')).toEqual([])
    for (const cookie of [cookies[0], cookies[many / 2], cookies.at(-1)]) {
      expect(await visit(one, cookie ?? '')).toBeUndefined()
    }
    expect(await visit(one, grace.cookie)).toBe('grace')
    expect(told()).toMatchObject([{ sub: 'ada', sessions: many }])
    // Nothing is left to end, and nothing is told
    expect(await other.sessions.endAll('ada')).toBe(0)
    expect(told()).toHaveLength(1)
  })

  test('are not those of a handshake any more, in whatever process it is asked about', async () => {
    const { one, other } = createProcesses()
    const { cookie } = await createSession(one, { sub: 'ada' })
    const handshake = { url: '/', headers: { cookie, origin: 'http://localhost:3000' } }
    expect((await one.session(handshake))?.user.sub).toBe('ada')
    await other.sessions.endAll('ada')
    expect(await one.session(handshake)).toBeUndefined()
  })

  test('are no more than "maxSessions": the oldest end', async () => {
    const { one, other } = createProcesses({ maxSessions: 2 })
    const cookies: string[] = []
    for (const process of [one, other, one]) {
      cookies.push((await createSession(process, { sub: 'ada' })).cookie)
    }
    expect(await one.sessions.list('ada')).toHaveLength(2)
    const seen = await Promise.all(cookies.map((cookie) => visit(other, cookie)))
    expect(seen).toEqual([undefined, 'ada', 'ada'])
  })

  test('are ended though the provider hangs, and nobody waits for each of them', async () => {
    const { one } = createProcesses({}, { http: { timeout: 1 } })
    for (let count = 0; count < 50; count++) {
      await createSession(one, { sub: 'ada' }, { tokens: { refreshToken: `refresh-${count}` } })
    }
    await one.ready()
    provider.behave.hang.revocation = true
    expect(await one.sessions.endAll('ada')).toBe(50)
    // Eight at once, and no more are begun after twice the time of one
    expect(provider.requestsTo('revocation').length).toBeLessThanOrEqual(24)
    const failures = events.filter(({ type }) => type === 'token.revocation_failed')
    expect(failures.at(-1)).toMatchObject({
      error: {
        code: 'ERR_PROVIDER_TIMEOUT',
        message: expect.stringMatching(/^revoking took too long: the tokens of \d+ sessions/),
      },
    })
    expect(await one.sessions.list('ada')).toEqual([])
  })

  test('are ended though the provider cannot be reached', async () => {
    const { one } = createProcesses()
    const tokens = { refreshToken: 'refresh' }
    const { cookie } = await createSession(one, { sub: 'ada' }, { tokens })
    await provider.pause()
    try {
      expect(await one.sessions.endAll('ada')).toBe(1)
    } finally {
      await provider.resume()
    }
    expect(await visit(one, cookie)).toBeUndefined()
    expect(events.some(({ type }) => type === 'token.revocation_failed')).toBe(true)
  })
})

describe('where there are several providers', () => {
  /** The first two are one provider, which knows the app as two clients. */
  function createApp() {
    const store = new session.MemoryStore()
    return createRelyingParty({
      providers: {
        staff: { issuer: provider.issuer, clientId: 'staff' },
        guests: { issuer: provider.issuer, clientId: 'guests' },
        others: { issuer: 'https://other.example', clientId: 'others' },
      },
      clientAuth: { method: 'none' },
      baseUrl: 'http://localhost:3000',
      session: { secret, store },
      onEvent: (event) => events.push(event),
    })
  }

  test('the one that is meant must be named: another one has the same "sub" for somebody else', async () => {
    const app = createApp()
    const message = '"provider" must be given: a "sub" is unique at its issuer alone'
    await expect(app.sessions.list('ada')).rejects.toThrow(new TypeError(message))
    await expect(app.sessions.endAll('ada')).rejects.toThrow(new TypeError(message))
    for (const act of [app.sessions.list, app.sessions.endAll]) {
      await expect(act('ada', { provider: 'nobody' })).rejects.toThrow(
        new TypeError('there is no provider "nobody"'),
      )
    }
  })

  test('each has its own sessions', async () => {
    const app = createApp()
    const staff = await createSession(app, { sub: 'ada' }, { provider: 'staff' })
    const guest = await createSession(app, { sub: 'ada' }, { provider: 'guests' })
    const other = await createSession(app, { sub: 'ada' }, { provider: 'others' })
    for (const provider of ['staff', 'guests', 'others']) {
      expect(await app.sessions.list('ada', { provider })).toMatchObject([{ provider }])
    }
    // Two of them have one issuer, and may be two tenants
    expect(await app.sessions.endAll('ada', { provider: 'staff' })).toBe(1)
    expect(told()).toMatchObject([{ provider: 'staff', sub: 'ada', sessions: 1 }])
    expect(await visit(app, staff.cookie)).toBeUndefined()
    for (const { cookie } of [guest, other]) expect(await visit(app, cookie)).toBe('ada')
    const [session] = await app.sessions.list('ada', { provider: 'guests' })
    expect(await app.sessions.end(session?.id ?? '', { provider: 'others' })).toBe(false)
    expect(await app.sessions.end(session?.id ?? '', { provider: 'guests' })).toBe(true)
    expect(await visit(app, guest.cookie)).toBeUndefined()
  })
})

describe('sessions in their cookies', () => {
  const noted: Options['logout'] = { store: new session.MemoryStore() }

  test('are all ended by a note in "logout.store", and cannot be listed', async () => {
    const [one, other] = [createProcess({ logout: noted }), createProcess({ logout: noted })]
    const ada = await createSession(one, { sub: 'ada' })
    const grace = await createSession(one, { sub: 'grace' })
    expect(await other.sessions.endAll('ada')).toBeUndefined()
    expect(await visit(one, ada.cookie)).toBeUndefined()
    expect(await visit(one, grace.cookie)).toBe('grace')
    expect(told()).toMatchObject([{ by: 'administration', sub: 'ada', sessions: undefined }])
    const refusal = {
      code: 'ERR_SESSION_STORE',
      status: 500,
      message: 'the sessions of an End-User cannot be found without a store in "session.store"',
    }
    await expect(one.sessions.list('ada')).rejects.toMatchObject(refusal)
    await expect(one.sessions.end('any')).rejects.toMatchObject(refusal)
  })

  test.each([undefined, 'framework'] as const)(
    'with "session.store": %s and no store, say so',
    async (store) => {
      const app = createProcess({ session: { secret, ...(store && { store }) } })
      await expect(app.sessions.endAll('ada')).rejects.toMatchObject({
        code: 'ERR_SESSION_STORE',
        status: 500,
        message:
          'the sessions of an End-User cannot be found without a store in "session.store" or "logout.store"',
      })
      expect(told()).toEqual([])
    },
  )
})

describe('a store that fails', () => {
  const fail = (...call: readonly unknown[]) => {
    const done = call.at(-1)
    if (typeof done === 'function') done(new Error('down'))
  }
  const store = { get: fail, set: fail, destroy: fail, touch: fail }

  test('is an error, and no session is said to have ended', async () => {
    const { sessions } = createProcess({ session: { secret, store } })
    const refusal = { code: 'ERR_SESSION_STORE', status: 503 }
    await expect(sessions.list('ada')).rejects.toMatchObject(refusal)
    await expect(sessions.end('any')).rejects.toMatchObject(refusal)
    await expect(sessions.endAll('ada')).rejects.toMatchObject(refusal)
    expect(told()).toEqual([])
  })
})

test("the app's own session is not in a handshake, and that is said", async () => {
  const app = createProcess({ session: { secret, store: 'framework' } })
  const headers = { cookie: 'any=thing', origin: 'http://localhost:3000' }
  await expect(app.session({ url: '/', headers })).rejects.toThrow('the request has no session')
})

test.each([undefined, '', 7])('what is no identifier is refused: %j', async (value) => {
  const { sessions } = createProcess({ session: { secret, store: new session.MemoryStore() } })
  const untyped = value as string
  await expect(sessions.list(untyped)).rejects.toThrow(TypeError)
  await expect(sessions.end(untyped)).rejects.toThrow(TypeError)
  await expect(sessions.endAll(untyped)).rejects.toThrow(TypeError)
})
