import { describe, expect, test, vi } from 'vitest'
import { buildSession, start } from '../support/session.ts'
import { createTestSessions, patience, prefix } from './support/store.ts'

const iss = 'https://op.example'
const tokens = { accessToken: 'an access token', refreshToken: 'a refresh token' }
const withSid = (sid: string) => ({ claims: { ...buildSession().claims, sid } })
const of = (id: string, more: object = {}) => buildSession({ id, ...more })

describe('a session', () => {
  test('is found with its tokens, which nobody else can read', async () => {
    const { sessions, store } = createTestSessions()
    const claims = { ...buildSession().claims, sub: 'ada lovelace' }
    const { seenAt: _, ...session } = of('one', { claims, tokens })
    await sessions.begin({ ...session, seenAt: start })
    expect(await sessions.find('one')).toEqual(session)
    const stored = [...store.entries.values()].join()
    // Nothing so short that it is in a seal now and then
    for (const secret of ['an access token', 'lovelace', iss]) {
      expect(stored).not.toContain(secret)
    }
    expect(await sessions.find('two')).toBeUndefined()
  })

  test('is in the store before it is in the list of its End-User', async () => {
    const { sessions, store } = createTestSessions()
    await sessions.begin(of('one', { tokens }))
    const sets = store.calls.filter((call) => call.startsWith('set'))
    expect(sets.map((call) => call.split(':')[0])).toEqual(['set tokens', 'set session', 'set sub'])
  })

  test('is gone when it is ended, with its tokens, and from the list', async () => {
    const { sessions, left } = createTestSessions()
    await sessions.begin(of('one', { tokens }))
    expect(await sessions.end('one')).toMatchObject({ id: 'one', tokens })
    expect(left()).toEqual([])
    expect(await sessions.end('one')).toBeUndefined()
  })

  test('is gone also when its tokens cannot be dropped', async () => {
    const { sessions, store, kept, events } = createTestSessions()
    await sessions.begin(of('one', { tokens }))
    store.before = (method, id, done) => {
      if (method !== 'destroy' || !id.includes('tokens:')) return undefined
      done(new Error('down'))
      return true
    }
    expect(await sessions.end('one')).toMatchObject({ id: 'one' })
    expect(kept()).toEqual([])
    expect(events).toMatchObject([{ type: 'session.store_failed' }])
  })

  test('is over after its lifetime, whatever the store says', async () => {
    const { sessions, store, clock } = createTestSessions()
    await sessions.begin(of('one'))
    const record = JSON.parse(store.entries.get(`${prefix}session:one`) ?? '')
    store.before = (_method, _id, done) => {
      done(null, record)
      return true
    }
    clock.move(3599)
    expect(await sessions.find('one')).toBeDefined()
    clock.move(1)
    expect(await sessions.find('one')).toBeUndefined()
  })

  test.each<[string, (record: Record<string, unknown>) => unknown]>([
    ["somebody else's", (record) => ({ ...record, id: 'another' })],
    ["another provider's", (record) => ({ ...record, claims: { iss: 'https://evil', sub: 'a' } })],
    ['one without claims', ({ claims: _, ...record }) => record],
    ['one with claims that are none', (record) => ({ ...record, claims: ['iss', 'sub'] })],
    ['one without an End-User', (record) => ({ ...record, claims: { iss } })],
    ['one with a prototype', (record) => JSON.parse(`{"__proto__":${JSON.stringify(record)}}`)],
    ['text', (record) => JSON.stringify(record)],
  ])('is nobody where the store answers with %s', async (_what, damage) => {
    const { sessions, store, sealer } = createTestSessions()
    await sessions.begin(of('one'))
    const name = `${prefix}session:one`
    const { cookie, oidc } = JSON.parse(store.entries.get(name) ?? '')
    const record = sealer.open(oidc.sealed) as Record<string, unknown>
    // In the clear, and sealed by an app that shares the secret
    for (const answer of [record, damage(record), { sealed: sealer.seal(damage(record)) }]) {
      store.entries.set(name, JSON.stringify({ cookie, oidc: answer }))
      expect(await sessions.find('one')).toBeUndefined()
    }
  })

  test('has no tokens but those that were sealed for it', async () => {
    const { sessions, store } = createTestSessions()
    await sessions.begin(of('one', { tokens }))
    await sessions.begin(of('two', { tokens: { accessToken: 'of two' } }))
    const [one, two] = [`${prefix}tokens:one`, `${prefix}tokens:two`]
    const theirs = store.entries.get(two) ?? ''
    const damaged = theirs.replace('"sealed":"', '"sealed":"x')
    for (const text of [theirs, damaged, theirs.replace('sealed', 'other')]) {
      store.entries.set(one, text)
      expect(await sessions.find('one')).not.toHaveProperty('tokens')
    }
    store.entries.delete(one)
    const name = `${prefix}session:one`
    const { cookie, oidc } = JSON.parse(store.entries.get(name) ?? '')
    const planted = { ...oidc, tokens: { accessToken: 'planted' } }
    store.entries.set(name, JSON.stringify({ cookie, oidc: planted }))
    expect(await sessions.find('one')).not.toHaveProperty('tokens')
  })
})

describe('tokens', () => {
  test('that come after a logout are not kept, and end nothing', async () => {
    const { sessions, left } = createTestSessions()
    const session = of('one', { tokens })
    await sessions.begin(session)
    await sessions.end('one')
    expect(await sessions.replaceTokens(session, { accessToken: 'late' })).toBe(false)
    expect(left()).toEqual([])
  })

  test('live as long as the session may, though the request that brings them is old', async () => {
    const { sessions, clock } = createTestSessions()
    const session = of('one', { tokens })
    await sessions.begin(session)
    for (let seenAt = start + 300; seenAt <= start + 900; seenAt += 300) {
      clock.move(300)
      sessions.touch({ ...session, seenAt })
    }
    await vi.waitFor(async () => expect(await sessions.find('one')).toBeDefined(), patience)
    // A WebSocket knows only when it was opened
    expect(await sessions.replaceTokens(session, { accessToken: 'new' })).toBe(true)
    clock.move(500)
    expect(await sessions.find('one')).toMatchObject({ tokens: { accessToken: 'new' } })
  })
})

describe('a touch', () => {
  test('comes once a minute, and more often where sessions are short', async () => {
    for (const [idleTimeout, times] of [[600, 1] as const, [60, 2] as const]) {
      const lifetimes = { idleTimeout, lifetime: 3600 }
      const { sessions, store, clock } = createTestSessions({ lifetimes })
      for (const seenAt of [start, start, start + 30, start + 59]) {
        clock.move(seenAt - clock.now())
        sessions.touch(of('one', { seenAt }))
      }
      expect(store.calls.filter((call) => call.startsWith('touch session'))).toHaveLength(times)
    }
  })

  test('that comes after a logout brings nothing back', async () => {
    const { sessions, store, left } = createTestSessions()
    await sessions.begin(of('one', { tokens }))
    await sessions.end('one')
    sessions.touch(of('one', { tokens }))
    await vi.waitFor(() => expect(store.calls.at(-1)).toBe('touch tokens:one'), patience)
    expect(left()).toEqual([])
  })

  test('that fails is told, and harms nobody', async () => {
    const { sessions, store, events } = createTestSessions()
    store.before = () => {
      throw new Error('down')
    }
    sessions.touch(of('one'))
    await vi.waitFor(() => {
      expect(events).toMatchObject([{ type: 'session.store_failed' }])
    }, patience)
  })
})

describe('a logout at the provider', () => {
  test('by "sid" ends those of one session there, and by "sub" all', async () => {
    const { sessions, kept } = createTestSessions()
    for (const sid of ['a', 'b', 'c']) await sessions.begin(of(`of ${sid}`, withSid(sid)))
    expect(await sessions.endAll({ iss, sid: 'b' })).toMatchObject([{ id: 'of b' }])
    expect(kept()).toEqual(['of a', 'of c'])
    expect(await sessions.endAll({ iss, sub: 'somebody else' })).toEqual([])
    expect(await sessions.endAll({ iss: 'https://other', sub: 'ada' })).toEqual([])
    expect(await sessions.endAll({ iss, sub: 'ada' })).toHaveLength(2)
    expect(kept()).toEqual([])
    expect(await sessions.list({ iss, sub: 'ada' })).toEqual([])
  })

  // Every place between two calls of the store at which the one may overtake the other
  test.each(Array.from({ length: 12 }, (_, index) => index))(
    'ends a login that is under way, wherever it is (%i)',
    async (at) => {
      const { sessions, store, kept, clock } = createTestSessions()
      clock.move(5)
      let logout: Promise<unknown> | undefined
      let calls = 0
      store.before = () => {
        if (calls++ === at) {
          store.before = () => undefined
          logout = sessions.endAll({ iss, sid: 'a' })
        }
        return undefined
      }
      const login = sessions.begin(of('one', { tokens, ...withSid('a') }))
      const [result] = await Promise.allSettled([login])
      store.before = () => undefined
      await (logout ?? sessions.endAll({ iss, sid: 'a' }))
      expect(kept()).toEqual([])
      if (result?.status === 'rejected') {
        expect(result.reason).toMatchObject({ code: 'ERR_SESSION_ENDED' })
      }
    },
  )

  test('can be repeated where the store failed in the middle', async () => {
    const { sessions, store, kept } = createTestSessions()
    for (const id of ['one', 'two', 'three']) await sessions.begin(of(id))
    store.before = (method, id, done) => {
      if (method !== 'destroy' || !id.endsWith('two')) return undefined
      done(new Error('down'))
      return true
    }
    const failure = { code: 'ERR_SESSION_STORE' }
    await expect(sessions.endAll({ iss, sub: 'ada' })).rejects.toMatchObject(failure)
    store.before = () => undefined
    await sessions.endAll({ iss, sub: 'ada' })
    expect(kept()).toEqual([])
  })
})

test('a list has nobody else on it, whatever the store says', async () => {
  const { sessions, store } = createTestSessions()
  await sessions.begin(of('one'))
  await sessions.begin(of('two', { claims: { ...buildSession().claims, sub: 'bob' } }))
  const [ada = '', bob = ''] = [...store.entries.keys()].filter((name) => name.includes(':sub:'))
  store.entries.set(ada, store.entries.get(bob) ?? '')
  expect(await sessions.list({ iss, sub: 'ada' })).toEqual([])
  expect(await sessions.list({ iss, sub: 'bob' })).toMatchObject([{ id: 'two' }])
})

describe('a login that is repeated after the end of its session', () => {
  // OpenID Connect Core 1.0, 3.1.3: what a code has earned is remembered for a double click
  test.each<[string, (all: ReturnType<typeof createTestSessions>) => Promise<unknown>]>([
    ['by a logout', ({ sessions }) => sessions.end('one')],
    ['by the provider', ({ sessions }) => sessions.endAll({ iss, sub: 'ada' })],
    ['by a limit', ({ sessions }) => sessions.begin(of('another'))],
  ])('%s brings nothing back', async (_how, end) => {
    const all = createTestSessions({ maxSessions: 1 })
    const session = of('one', { tokens })
    await all.sessions.begin(session)
    await end(all)
    expect(await all.sessions.find('one')).toBeUndefined()
    const refused = { code: 'ERR_SESSION_ENDED' }
    await expect(all.sessions.begin(session)).rejects.toMatchObject(refused)
    expect(await all.sessions.find('one')).toBeUndefined()
  })

  test('is a new one where only its cookie was lost', async () => {
    const { sessions } = createTestSessions()
    await sessions.begin(of('one'))
    await sessions.begin(of('one'))
    expect(await sessions.list({ iss, sub: 'ada' })).toHaveLength(1)
  })
})

describe('where processes cannot exclude one another', () => {
  test('a session that is on no list ends with the others', async () => {
    const { sessions, store, clock } = createTestSessions({ isExclusive: false })
    await sessions.begin(of('one'))
    for (const name of store.entries.keys()) if (name.includes(':sub:')) store.entries.delete(name)
    clock.move(1)
    await sessions.endAll({ iss, sub: 'ada' })
    expect(await sessions.find('one')).toBeUndefined()
    clock.move(1)
    await sessions.begin(of('two', { createdAt: clock.now(), seenAt: clock.now() }))
    expect(await sessions.find('two')).toBeDefined()
  })

  test('what has ended is returned, whatever its notes say', async () => {
    const { sessions, clock, left } = createTestSessions({ isExclusive: false })
    await sessions.begin(of('one', { tokens }))
    clock.move(1)
    expect(await sessions.endAll({ iss, sub: 'ada' })).toMatchObject([{ id: 'one', tokens }])
    expect(left()).toEqual([])
  })
})

test('a store whose "touch" writes loses nothing', async () => {
  const { sessions, store } = createTestSessions()
  await sessions.begin(of('one', { tokens }))
  store.touch = (id, record, done) => store.set(id, record, done)
  sessions.touch(of('one', { tokens }))
  await vi.waitFor(() => expect(store.calls.at(-1)).toBe('set tokens:one'), patience)
  expect(await sessions.find('one')).toMatchObject({ id: 'one', tokens })
})

describe('a limit of sessions', () => {
  test('ends the oldest, and no session that another takes the place of', async () => {
    const { sessions, kept } = createTestSessions({ maxSessions: 2 })
    await sessions.begin(of('one'))
    await sessions.begin(of('two'))
    await sessions.begin(of('three'), { previous: 'two' })
    expect(kept()).toEqual(['one', 'three'])
    await sessions.begin(of('four'))
    expect(kept()).toEqual(['three', 'four'])
  })

  test('does not count what is over', async () => {
    const { sessions, kept, clock } = createTestSessions({ maxSessions: 2 })
    await sessions.begin(of('in use'))
    await sessions.begin(of('left alone'))
    clock.move(500)
    sessions.touch(of('in use', { seenAt: clock.now() }))
    await vi.waitFor(async () => expect(await sessions.find('in use')).toBeDefined(), patience)
    clock.move(200)
    const now = clock.now()
    await sessions.begin(of('new', { createdAt: now, seenAt: now }))
    expect(kept()).toContain('in use')
  })

  test('holds when all sign in at once, and every session is found', async () => {
    const { sessions, kept } = createTestSessions({ maxSessions: 3 })
    const ids = Array.from({ length: 20 }, (_, index) => `session ${index}`)
    await Promise.all(ids.map((id) => sessions.begin(of(id))))
    expect(kept()).toHaveLength(3)
    expect(await sessions.list({ iss, sub: 'ada' })).toHaveLength(3)
  })
})

test('a process that dies between any two calls is in no way of the next one', async () => {
  for (let at = 1; at < 8; at++) {
    const { sessions, store, kept } = createTestSessions({ maxSessions: 2 })
    let calls = 0
    // From then on, nothing that it asks arrives
    store.before = () => calls++ >= at
    await sessions.begin(of('one', { tokens })).catch(() => {})
    store.before = () => undefined
    await sessions.begin(of('two', { tokens }))
    await sessions.begin(of('three', { tokens }))
    expect(kept()).toEqual(expect.arrayContaining(['two', 'three']))
    await sessions.endAll({ iss, sub: 'ada' })
    // No browser was ever told of the first one
    expect(kept().filter((id) => id !== 'one')).toEqual([])
  }
})
