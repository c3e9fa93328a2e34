import { describe, expect, test, vi } from 'vitest'
import { createSealer } from '../../src/jose/seal.ts'
import { createServerStore } from '../../src/session/server-store.ts'
import { createJar, type TestExchange } from '../support/exchange.ts'
import { secret } from '../support/options.ts'
import { buildSession } from '../support/session.ts'
import { createTestSessions, patience } from './support/store.ts'

const attributes = { secure: true, sameSite: 'lax', path: '/', domain: undefined } as const
const name = '__Host-oidc'

async function setUp() {
  const parts = createTestSessions()
  const sealer = createSealer([secret], 'pointer')
  const server = createServerStore({ ...parts, name, attributes, sealer })
  const jar = createJar()
  async function open(request?: Parameters<typeof jar.request>[0], isUse = true) {
    const exchange = jar.request(request)
    const handle = server.open(exchange, { isUse })
    await handle.load()
    return { exchange, handle }
  }
  const { exchange, handle } = await open()
  await handle.write(buildSession({ tokens: { accessToken: 'first' } }))
  jar.keep(exchange)
  return { ...parts, server, jar, sealer, open }
}

/** Nothing is changed in the browser. */
function expectUntouched({ set }: TestExchange): void {
  expect(set).toEqual([])
}

describe('a session', () => {
  test('is an id and a moment in the browser', async () => {
    const { jar, sealer, open } = await setUp()
    expect(sealer.open(jar.cookies.get(name) ?? '')).toEqual({ id: 'session-1', seenAt: 1.7e9 })
    const { exchange, handle } = await open()
    expect(handle.read()).toEqual(buildSession({ tokens: { accessToken: 'first' } }))
    expectUntouched(exchange)
  })

  test('that is used is told to the browser and to the store, and that is seen to neither', async () => {
    const { clock, store, open } = await setUp()
    clock.move(61)
    const seen = await open({}, false)
    expect(seen.handle.read()).toBeDefined()
    expectUntouched(seen.exchange)
    const started = await open({ isStarted: true })
    expect(started.handle.read()).toBeDefined()
    const { exchange, handle } = await open()
    expect(handle.read()?.seenAt).toBe(clock.now())
    handle.read()
    expect(exchange.set).toHaveLength(1)
    await vi.waitFor(() => expect(store.calls.at(-1)).toBe('touch tokens:session-1'), patience)
    expect(store.calls.filter((call) => call.startsWith('touch'))).toHaveLength(2)
  })

  test('that was not used for too long is not asked for', async () => {
    const { clock, store, open } = await setUp()
    clock.move(600)
    const count = store.calls.length
    const { exchange, handle } = await open()
    expect(handle.read()).toBeUndefined()
    expect(store.calls).toHaveLength(count)
    expectUntouched(exchange)
  })

  test('takes the place of the one before, which is gone from the store', async () => {
    const { jar, kept, open } = await setUp()
    const { exchange, handle } = await open()
    await handle.write(buildSession({ id: 'session-2' }))
    jar.keep(exchange)
    expect(kept()).toEqual(['session-2'])
    expect((await open()).handle.read()).toMatchObject({ id: 'session-2' })
  })

  test('is over after a logout, and so is what a request under way brings', async () => {
    const { jar, left, open } = await setUp()
    const late = await open()
    const { exchange, handle } = await open()
    await handle.clear()
    jar.keep(exchange)
    expect(jar.cookies.size).toBe(0)
    expect(handle.read()).toBeUndefined()
    const refused = { code: 'ERR_SESSION_ENDED' }
    await expect(late.handle.writeTokens({ accessToken: 'late' })).rejects.toMatchObject(refused)
    expect(late.handle.read()).toBeUndefined()
    expect(await late.handle.shared?.reload()).toBeUndefined()
    expect(left()).toEqual([])
  })

  test('is one for each request, however often it is opened', async () => {
    const { server, jar, store } = await setUp()
    const exchange = jar.request()
    const handle = server.open(exchange)
    const count = store.calls.length
    await Promise.all([handle.load(), handle.load(), server.open(exchange).load()])
    expect(handle.load()).toBeUndefined()
    expect(store.calls).toHaveLength(count + 2)
  })

  test('has the tokens that another process has left', async () => {
    const { open } = await setUp()
    const [one, two] = [await open(), await open()]
    await one.handle.writeTokens({ accessToken: 'second' })
    expect(one.handle.read()?.tokens).toEqual({ accessToken: 'second' })
    expect(two.handle.read()?.tokens).toEqual({ accessToken: 'first' })
    expect((await two.handle.shared?.reload())?.tokens).toEqual({ accessToken: 'second' })
  })
})

describe('a store that fails', () => {
  test('is a failure, which changes nothing in the browser', async () => {
    const { store, events, open } = await setUp()
    store.before = () => true
    const { exchange, handle } = await open()
    expect(handle.read()).toBeUndefined()
    expect(handle.failure).toMatchObject({ code: 'ERR_SESSION_STORE' })
    expect(events).toMatchObject([{ type: 'session.store_failed' }])
    await expect(handle.clear()).rejects.toMatchObject({ code: 'ERR_SESSION_STORE' })
    const write = handle.write(buildSession({ id: 'session-2' }))
    await expect(write).rejects.toMatchObject({ code: 'ERR_SESSION_STORE' })
    expectUntouched(exchange)
  })

  test('and is back at once does not let a logout pass that knows nothing of the session', async () => {
    const { store, kept, open } = await setUp()
    store.before = () => true
    const { handle } = await open()
    store.before = () => undefined
    // The provider would not hear of it
    await expect(handle.clear()).rejects.toMatchObject({ code: 'ERR_SESSION_STORE' })
    expect(kept()).toEqual(['session-1'])
  })

  test('in a logout keeps the cookie, so that it can be repeated', async () => {
    const { store, kept, open } = await setUp()
    const { exchange, handle } = await open()
    store.before = (method) => method === 'destroy'
    await expect(handle.clear()).rejects.toMatchObject({ code: 'ERR_SESSION_STORE' })
    expectUntouched(exchange)
    store.before = () => undefined
    const again = await open()
    await again.handle.clear()
    expect(kept()).toEqual([])
    expect(again.exchange.set).toHaveLength(1)
  })

  test('late leaves nothing that a browser can use', async () => {
    const { store, jar, open } = await setUp()
    const late: (() => void)[] = []
    store.before = (method, id) => {
      if (method === 'set') late.push(() => store.set(id, { cookie: {}, oidc: {} }))
      return true
    }
    const before = new Map(jar.cookies)
    const { exchange, handle } = await open()
    await expect(handle.write(buildSession({ id: 'session-2' }))).rejects.toThrow()
    store.before = () => undefined
    for (const act of late) act()
    jar.keep(exchange)
    expect(jar.cookies).toEqual(before)
    expect((await open()).handle.read()).toMatchObject({ id: 'session-1' })
  })
})

describe('a cookie', () => {
  test.each([
    ['garbage', () => 'garbage'],
    ['empty', () => ''],
    ['an id that is not sealed', () => 'session-1'],
    [
      'sealed for another purpose',
      () => createSealer([secret], 'x').seal({ id: 'session-1', seenAt: 1.7e9 }),
    ],
    ['ten thousand bytes', () => 'x'.repeat(10_000)],
  ])('that is %s is unreadable, and asks the store nothing', async (_what, value) => {
    const { jar, store, events, server, open } = await setUp()
    jar.put(name, value())
    const count = store.calls.length
    const { exchange, handle } = await open()
    expect(handle.read()).toBeUndefined()
    expect(server.inspect(exchange)).toBe('unreadable')
    expect(events).toEqual([{ type: 'session.unreadable', cookie: name }])
    expect(store.calls).toHaveLength(count)
    await handle.clear()
    jar.keep(exchange)
    expect(jar.cookies.has(name)).toBe(false)
  })

  test('in chunks is none: a pointer is whole', async () => {
    const { jar, open } = await setUp()
    const value = jar.cookies.get(name) ?? ''
    const chunks = createJar()
    chunks.put(`${name}.0`, value.slice(0, 50))
    chunks.put(`${name}.1`, value.slice(50))
    const { headers } = { headers: { cookie: chunks.request().header('cookie') ?? '' } }
    const { handle } = await open({ headers })
    expect(handle.read()).toBeUndefined()
  })
})
