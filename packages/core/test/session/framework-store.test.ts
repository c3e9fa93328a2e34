import { describe, expect, test } from 'vitest'
import type { OidcEvent } from '../../src/events.ts'
import type { Exchange, FrameworkSession, SessionMembers } from '../../src/exchange.ts'
import { createSealer } from '../../src/jose/seal.ts'
import { createFrameworkStore } from '../../src/session/framework-store.ts'
import type { Session } from '../../src/session/session.ts'
import { createExchange, type TestRequest } from '../support/exchange.ts'
import { secret } from '../support/options.ts'
import { buildSession, createClock } from '../support/session.ts'

const key = 'login'

/** An app's session with a store, as a framework would make it. */
function createAppSession() {
  const stored = new Map<string, SessionMembers>()
  const calls: string[] = []
  let failing: Error | 'never' | undefined
  let made = 0
  let id = 'id-0'
  let size: number | undefined
  async function act(name: string): Promise<void> {
    calls.push(name)
    if (failing === 'never') await new Promise(() => {})
    if (failing) throw failing
  }
  /** What one request sees. */
  function request(): FrameworkSession {
    let members = { ...stored.get(id) }
    let own = id
    return {
      get: (name) => members[name],
      set(name, value) {
        calls.push('set')
        members = { ...members, [name]: value }
        if (value === undefined) delete members[name]
      },
      members: () => members,
      async regenerate(next) {
        await act('regenerate')
        stored.delete(own)
        made++
        own = `id-${made}`
        id = own
        members = { ...next }
      },
      async save() {
        await act('save')
        stored.set(own, members)
      },
      async fetch() {
        await act('fetch')
        return stored.get(own)
      },
      ...(size !== undefined && { size: () => size ?? 0 }),
    }
  }
  return {
    stored,
    calls,
    request,
    current: () => stored.get(id),
    fail(how: typeof failing) {
      failing = how
    },
    /** The browser sends another cookie. */
    move(to: string) {
      id = to
    },
    inCookie(bytes: number) {
      size = bytes
    },
  }
}

function setUp({ secrets = [secret], app = createAppSession() } = {}) {
  const clock = createClock()
  const events: OidcEvent[] = []
  const store = createFrameworkStore({
    key,
    lifetimes: { idleTimeout: 600, lifetime: 3600 },
    sealer: createSealer(secrets, 'framework'),
    accepts: ({ provider }) => provider === undefined,
    timeout: 0.05,
    mutex: async (_of, act) => await act(),
    clock,
    emit: (event) => events.push(event),
  })
  const open = (request?: TestRequest) => {
    const own = app.request()
    const exchange: Exchange = { ...createExchange(request), session: () => own }
    return { handle: store.open(exchange), own, exchange }
  }
  const signIn = async (session: Session = buildSession()) => await open().handle.write(session)
  return { app, clock, events, store, open, signIn }
}

const fault = async (act: () => unknown) => {
  try {
    await act()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

describe("a session in the app's own", () => {
  test('comes back as it was written, under a new identifier, and sealed', async () => {
    const { app, open, signIn } = setUp()
    const session = buildSession({ claims: { ...buildSession().claims, sub: 'ada lovelace' } })
    await signIn(session)
    expect(app.calls).toEqual(['regenerate', 'save'])
    expect(open().handle.read()).toEqual(session)
    // Nothing so short that it is in a seal now and then
    expect(JSON.stringify(app.current())).not.toMatch(/lovelace|op\.example|session-1/)
  })

  test('is nobody for who has no member, and is not written for it', () => {
    const { app, open, events } = setUp()
    const { handle, exchange } = open()
    expect(handle.load()).toBeUndefined()
    expect(handle.read()).toBeUndefined()
    expect([app.calls, events, 'set' in exchange && exchange.set]).toEqual([[], [], []])
  })

  test('is written once a minute while it is used, and not by who only looks', async () => {
    const { app, clock, open, signIn, store } = setUp()
    await signIn()
    app.calls.length = 0
    clock.move(59)
    open().handle.read()
    expect(app.calls).toEqual([])
    clock.move(1)
    const { handle } = open()
    expect([handle.read()?.seenAt, handle.read()?.seenAt]).toEqual([clock.now(), clock.now()])
    expect(app.calls).toEqual(['set'])
    const own = app.request()
    store.open({ ...createExchange(), session: () => own }, { isUse: false }).read()
    open({ isStarted: true }).handle.read()
    expect(app.calls).toEqual(['set'])
  })

  test('ends after its idle timeout, whatever the framework holds', async () => {
    const { clock, open, signIn } = setUp()
    await signIn()
    clock.move(600)
    expect(open().handle.read()).toBeUndefined()
  })

  test.each([
    ['garbage', 'garbage'],
    ['an object', { id: 'session-1', claims: { sub: 'ada' }, createdAt: 0, seenAt: 0 }],
    [
      'a session sealed with a removed secret',
      createSealer(['x'.repeat(40)], 'framework').seal({}),
    ],
    ['a session sealed for something else', createSealer([secret], 'session').seal(buildSession())],
    [
      'a session of another provider',
      createSealer([secret], 'framework').seal(buildSession({ provider: 'other' })),
    ],
  ])('is nobody when the member is %s', (_name, member) => {
    const { app, open, events, store } = setUp()
    app.stored.set('id-0', { [key]: member })
    const { handle, exchange } = open()
    expect(handle.read()).toBeUndefined()
    expect(events).toEqual([{ type: 'session.unreadable', cookie: key }])
    expect(store.inspect(exchange)).toBe('unreadable')
  })

  test('keeps what a visitor or the same End-User has, and nothing of somebody else', async () => {
    const { app, open, signIn } = setUp()
    app.stored.set('id-0', { cart: 'a book' })
    await signIn()
    expect(app.current()).toMatchObject({ cart: 'a book' })
    await signIn(buildSession({ id: 'session-2' }))
    expect(app.current()).toMatchObject({ cart: 'a book' })
    expect(app.stored.size).toBe(1)
    const { claims } = buildSession()
    await signIn(buildSession({ id: 'session-3', claims: { ...claims, sub: 'bob' } }))
    expect(Object.keys(app.current() ?? {})).toEqual([key])
    expect(open().handle.read()?.claims.sub).toBe('bob')
  })

  test('counts as of its End-User after it has expired', async () => {
    const { app, clock, signIn } = setUp()
    await signIn()
    app.stored.set('id-1', { ...app.current(), cart: 'a book' })
    clock.move(10_000)
    const { claims } = buildSession()
    await signIn(buildSession({ createdAt: clock.now(), claims: { ...claims, sub: 'bob' } }))
    expect(app.current()).not.toHaveProperty('cart')
  })

  test('leaves nothing behind when it ends', async () => {
    const { app, open, signIn } = setUp()
    app.stored.set('id-0', { cart: 'a book' })
    await signIn()
    await open().handle.clear()
    expect([...app.stored]).toEqual([['id-2', {}]])
    app.calls.length = 0
    await open().handle.clear()
    expect(app.calls).toEqual([])
  })

  test('that is missing is a fault of the configuration, each time it is asked for', async () => {
    const { store } = setUp()
    const handle = store.open(createExchange())
    const message = expect.stringContaining('must come before oidc()')
    for (const act of [handle.read, handle.read, handle.clear]) {
      expect(await fault(act)).toMatchObject({ code: 'ERR_CONFIGURATION', message })
    }
    expect(handle.load()).toBeUndefined()
  })

  test('that the app has destroyed is nobody, and cannot be signed in to', async () => {
    const { store } = setUp()
    const handle = store.open({ ...createExchange(), session: () => null })
    expect(handle.read()).toBeUndefined()
    await handle.clear()
    expect(await fault(() => handle.write(buildSession()))).toMatchObject({
      code: 'ERR_SESSION_ENDED',
    })
  })

  test.each([
    ['fails', new Error('down')],
    ['does not answer', 'never'],
  ] as const)('is an error of the store when that %s', async (_name, how) => {
    const { app, open, signIn } = setUp()
    await signIn()
    app.fail(how)
    const { handle } = open()
    for (const act of [
      () => handle.write(buildSession({ id: 'session-2' })),
      () => handle.writeTokens({}),
      () => handle.clear(),
    ]) {
      expect(await fault(act)).toMatchObject({
        code: 'ERR_SESSION_STORE',
        message: "the store of the app's own session failed",
      })
    }
    app.fail(undefined)
    expect(open().handle.read()?.id).toBe('session-1')
  })

  test('too large for its cookie is an error, and what was there stays', async () => {
    const { app, open } = setUp()
    app.stored.set('id-0', { cart: 'a book' })
    app.inCookie(4001)
    const { handle, own } = open()
    expect(await fault(() => handle.write(buildSession()))).toMatchObject({
      code: 'ERR_COOKIE_TOO_LARGE',
      message: expect.stringContaining('4001 bytes, and 4000 is the limit'),
    })
    expect(own.members()).toEqual({ cart: 'a book' })
    app.inCookie(4000)
    expect(await open().handle.write(buildSession())).toBe(4000)
  })
})

describe("tokens in the app's own session", () => {
  test('are written to the session as the store has it', async () => {
    const { open, signIn } = setUp()
    await signIn()
    await open().handle.writeTokens({ accessToken: 'new' })
    expect(open().handle.read()?.tokens).toEqual({ accessToken: 'new' })
  })

  test('are not written to a session that has ended meanwhile', async () => {
    const { app, open, signIn } = setUp()
    await signIn()
    const { handle } = open()
    handle.read()
    await open().handle.clear()
    const error = await fault(() => handle.writeTokens({ accessToken: 'new' }))
    expect(error).toMatchObject({ code: 'ERR_SESSION_ENDED' })
    expect(handle.read()).toBeUndefined()
    expect([...app.stored]).toEqual([['id-2', {}]])
  })

  test('of another process are found, and not written over', async () => {
    const { open, signIn } = setUp()
    await signIn()
    const { handle, own } = open()
    const { shared } = handle
    await open().handle.writeTokens({ accessToken: 'new' })
    expect((await shared?.reload())?.tokens).toEqual({ accessToken: 'new' })
    await own.save()
    expect(open().handle.read()?.tokens).toEqual({ accessToken: 'new' })
    shared?.adopt({ accessToken: 'newer' })
    expect(handle.read()?.tokens).toEqual({ accessToken: 'newer' })
  })

  test('that are new stay so when the app writes back what it has read before', async () => {
    const { open, signIn, clock } = setUp()
    await signIn(buildSession({ tokens: { accessToken: 'first', refreshToken: 'one' } }))
    const slow = open().own
    for (const name of ['second', 'third']) {
      await open().handle.writeTokens({ accessToken: name, refreshToken: 'next' })
    }
    await slow.save()
    expect(open().handle.read()?.tokens).toEqual({ accessToken: 'third', refreshToken: 'next' })
    expect((await open().handle.shared?.reload())?.tokens?.accessToken).toBe('third')
    // Nor do they go back and forth
    clock.move(1)
    await open().handle.writeTokens({ accessToken: 'first', refreshToken: 'one' })
    expect(open().handle.read()?.tokens?.accessToken).toBe('first')
  })

  test('can be looked for elsewhere only where there is a session and a store', async () => {
    const { app, open, signIn, store } = setUp()
    expect(open().handle.shared).toBeUndefined()
    await signIn()
    const { fetch: _, ...own } = app.request()
    const handle = store.open({ ...createExchange(), session: () => own })
    expect([handle.read()?.id, handle.shared]).toEqual(['session-1', undefined])
  })

  test('end with the session where there is no response to carry it', async () => {
    const { open, signIn } = setUp()
    await signIn()
    const { handle } = open({ isStarted: true })
    expect(await fault(() => handle.clear())).toMatchObject({ code: 'ERR_RESPONSE_STARTED' })
    const later = open({ isStarted: true }).handle
    await later.shared?.end()
    expect([later.read(), open().handle.read()]).toEqual([undefined, undefined])
  })
})

// The roll of a slow request saves the app's session as it was before the logout
describe('a session that has ended', () => {
  test("stays so when a slow request saves the app's session once more", async () => {
    const { app, clock, open, signIn } = setUp()
    await signIn()
    clock.move(60)
    const slow = open()
    expect(slow.handle.read()).toBeDefined()
    await open().handle.clear()
    await slow.own.save()
    expect([...app.stored.values()].some((members) => key in members)).toBe(true)
    for (const [id, members] of app.stored) if (key in members) app.move(id)
    expect(open().handle.read()).toBeUndefined()
  })

  test('is not brought back by its callback', async () => {
    const { open, signIn } = setUp()
    await signIn()
    await open().handle.clear()
    expect(await fault(() => signIn())).toMatchObject({ code: 'ERR_SESSION_ENDED' })
    expect(open().handle.read()).toBeUndefined()
  })
})
