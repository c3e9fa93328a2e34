import { describe, expect, test } from 'vitest'
import { createSessionIndex } from '../../src/session/session-index.ts'
import { createMutex } from '../../src/session/store-lock.ts'
import { buildSession } from '../support/session.ts'
import { createTestSessions, prefix } from './support/store.ts'

const iss = 'https://op.example'

function setUp({ maxSessions = Number.POSITIVE_INFINITY } = {}) {
  const { store, records, clock } = createTestSessions()
  const lock = createMutex(undefined)
  const over = new Set<string>()
  const asked: string[] = []
  const index = createSessionIndex({
    records,
    lifetime: 3600,
    maxSessions,
    mutex: (name, act) => lock(name, act, { patience: 1000, seconds: 1 }),
    isAlive: async (id) => {
      asked.push(id)
      return !over.has(id)
    },
    clock,
  })
  const add = (id: string, sub = 'ada', sid?: string) => {
    const claims = { ...buildSession().claims, sub, ...(sid !== undefined && { sid }) }
    return index.add(buildSession({ id, claims, createdAt: clock.now() }))
  }
  const ids = async (whose: object) =>
    (await index.find({ iss, ...whose })).map((entry) => entry.id)
  return { index, store, clock, over, asked, add, ids }
}

describe('the sessions of an End-User', () => {
  test('are found by "sub", and those of one session at the provider by "sid"', async () => {
    const { add, ids } = setUp()
    await add('one', 'ada', 'a')
    await add('two', 'ada', 'b')
    await add('three', 'bob', 'c')
    expect(await ids({ sub: 'ada' })).toEqual(['one', 'two'])
    expect(await ids({ sid: 'b' })).toEqual(['two'])
    expect(await ids({ sub: 'ada', sid: 'a' })).toEqual(['one'])
    expect(await ids({ sub: 'bob', sid: 'a' })).toEqual([])
    expect(await ids({ sid: 'unknown' })).toEqual([])
    expect(await ids({})).toEqual([])
  })

  test('are listed once, also when a login is repeated', async () => {
    const { add, ids } = setUp()
    for (const id of ['one', 'two', 'one']) await add(id)
    expect(await ids({ sub: 'ada' })).toEqual(['two', 'one'])
  })

  test('are all there when they begin at once', async () => {
    const { add, ids } = setUp()
    const all = Array.from({ length: 50 }, (_, n) => `session ${n}`)
    await Promise.all(all.map((id) => add(id)))
    expect(new Set(await ids({ sub: 'ada' }))).toEqual(new Set(all))
  })

  test('are gone when they are removed, or their lifetime is over', async () => {
    const { index, store, clock, add, ids } = setUp()
    await add('one')
    clock.move(1800)
    await add('two')
    clock.move(1801)
    expect(await ids({ sub: 'ada' })).toEqual(['two'])
    await index.remove({ iss }, 'ada', ['two'])
    expect(store.entries.size).toBe(0)
  })

  test('that are over are forgotten from time to time, and asked for rarely', async () => {
    const { over, asked, add, ids } = setUp()
    for (let n = 0; n < 32; n++) {
      await add(`session ${n}`)
      over.add(`session ${n}`)
    }
    expect(asked).toEqual([])
    await add('last')
    expect(asked).toHaveLength(32)
    expect(await ids({ sub: 'ada' })).toEqual(['last'])
  })

  test('are not counted when they are over, where there is a limit', async () => {
    const { over, add } = setUp({ maxSessions: 2 })
    await add('one')
    await add('two')
    over.add('two')
    const entries = await add('three')
    expect(entries.map(({ id }) => id)).toEqual(['one', 'three'])
  })
})

test('garbage in the store is no session', async () => {
  const { store, add, ids } = setUp()
  await add('one', 'ada', 'a')
  const names = [...store.entries.keys()]
  const good = { id: 'one', createdAt: 1_700_000_000 }
  for (const oidc of [
    'text',
    null,
    [],
    { sessions: 'text' },
    { sessions: [null, 'text', {}, { id: 1, createdAt: 1 }, { ...good, createdAt: 'never' }] },
    { sub: { toString: 'ada' } },
  ]) {
    for (const name of names) {
      expect(name.startsWith(prefix)).toBe(true)
      const cookie = { expires: new Date(2e12).toISOString() }
      store.entries.set(name, JSON.stringify({ cookie, oidc }))
    }
    expect(await ids({ sub: 'ada' })).toEqual([])
    expect(await ids({ sid: 'a' })).toEqual([])
  }
})

test('names in the store say nothing about whose they are, and do not run into another', async () => {
  const { store, add } = setUp()
  await add('one', 'ada@example.org', 'a secret "sid": of \u0000 any length')
  expect([...store.entries.keys()].every((name) => /^test:(sub|sid):[\w-]{43}$/.test(name))).toBe(
    true,
  )
})
