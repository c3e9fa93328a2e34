import { expect, test } from 'vitest'
import { SessionError } from '../../src/errors.ts'
import { createSealer } from '../../src/jose/seal.ts'
import { createCheckedStore, type Verdict } from '../../src/session/checked-store.ts'
import { createCookieStore } from '../../src/session/cookie-store.ts'
import { createJar } from '../support/exchange.ts'
import { secret } from '../support/options.ts'
import { buildSession, createClock } from '../support/session.ts'

const failure = new SessionError('ERR_SESSION_STORE', 'the session store failed')

async function setUp() {
  const events: { readonly type: string }[] = []
  const emit = (event: { readonly type: string }) => void events.push(event)
  const inner = createCookieStore({
    name: 'oidc',
    attributes: { secure: false, sameSite: 'lax', path: '/', domain: undefined },
    lifetimes: { idleTimeout: 600, lifetime: 3600 },
    sealer: createSealer([secret], 'session'),
    accepts: () => true,
    clock: createClock(),
    emit,
  })
  const world = { verdict: 'good' as Verdict | Error, checks: 0, ended: [] as string[] }
  const store = createCheckedStore(
    inner,
    {
      async check() {
        world.checks++
        if (world.verdict instanceof Error) throw world.verdict
        return world.verdict
      },
      async end({ id }) {
        if (world.verdict instanceof Error) throw world.verdict
        world.ended.push(id)
      },
    },
    emit,
  )
  const jar = createJar()
  async function open() {
    const exchange = jar.request()
    const handle = store.open(exchange)
    await handle.load()
    return { exchange, handle }
  }
  const { exchange, handle } = await open()
  await handle.write(buildSession())
  jar.keep(exchange)
  return { world, store, jar, events, open }
}

test('a session that passes is there, and is checked once', async () => {
  const { world, open } = await setUp()
  const { exchange, handle } = await open()
  expect(handle.load()).toBeUndefined()
  expect(handle.read()).toEqual(buildSession())
  expect([world.checks, exchange.set]).toEqual([1, []])
})

test('a session is nobody before it is checked', async () => {
  const { store, jar } = await setUp()
  expect(store.open(jar.request()).read()).toBeUndefined()
})

test('who has no session is not checked, and waits for nothing', async () => {
  const { world, store } = await setUp()
  const handle = store.open(createJar().request())
  expect(handle.load()).toBeUndefined()
  expect([handle.read(), world.checks]).toEqual([undefined, 0])
})

test('a session that has ended is taken from the browser', async () => {
  const { world, jar, open } = await setUp()
  world.verdict = 'ended'
  const { exchange, handle } = await open()
  expect(handle.read()).toBeUndefined()
  jar.keep(exchange)
  expect(jar.cookies.size).toBe(0)
})

test('a session that is hidden is left alone', async () => {
  const { world, open } = await setUp()
  world.verdict = 'hidden'
  const { exchange, handle } = await open()
  expect([handle.read(), handle.failure, exchange.set]).toEqual([undefined, undefined, []])
})

test('a session that is hidden cannot be ended, and a login takes its place', async () => {
  const { world, jar, open } = await setUp()
  world.verdict = 'hidden'
  const { exchange, handle } = await open()
  await handle.clear()
  expect([exchange.set, world.ended]).toEqual([[], []])
  await handle.write(buildSession({ id: 'session-2' }))
  jar.keep(exchange)
  world.verdict = 'good'
  expect((await open()).handle.read()?.id).toBe('session-2')
  await handle.clear()
  expect(world.ended).toEqual(['session-2'])
})

test('a check that fails is a failure, and changes nothing in the browser', async () => {
  const { world, events, open } = await setUp()
  world.verdict = failure
  const { exchange, handle } = await open()
  expect([handle.read(), handle.failure]).toEqual([undefined, failure])
  expect(events).toMatchObject([{ type: 'session.store_failed' }])
  await expect(handle.clear()).rejects.toBe(failure)
  expect(exchange.set).toEqual([])
})

test('a logout is told before it happens, and does not happen where that fails', async () => {
  const { world, jar, open } = await setUp()
  const first = await open()
  world.verdict = failure
  await expect(first.handle.clear()).rejects.toBe(failure)
  expect(first.exchange.set).toEqual([])
  world.verdict = 'good'
  const second = await open()
  await second.handle.clear()
  jar.keep(second.exchange)
  expect([world.ended, jar.cookies.size]).toEqual([['session-1'], 0])
  expect(second.handle.read()).toBeUndefined()
})

test("an error of the app's own check is told to whoever reads, and not by loading", async () => {
  const { world, events, store, jar } = await setUp()
  world.verdict = new TypeError('a fault of the app')
  const exchange = jar.request()
  const handle = store.open(exchange)
  await handle.load()
  expect(() => handle.read()).toThrow('a fault of the app')
  expect([handle.failure, events]).toEqual([undefined, []])
  await expect(handle.clear()).rejects.toThrow('a fault of the app')
  expect(exchange.set).toEqual([])
  // Whoever signs in is there
  await handle.write(buildSession())
  expect(handle.read()).toEqual(buildSession())
})
