import { describe, expect, test } from 'vitest'
import { createRecords, type SessionBackend } from '../../src/session/records.ts'
import { findFaults, secret } from '../support/options.ts'
import { createClock, start } from '../support/session.ts'
import { createTestStore, prefix } from './support/store.ts'

function setUp(overrides: Partial<SessionBackend> = {}, timeout = 20) {
  const clock = createClock()
  const store = createTestStore(clock)
  const records = createRecords({ ...store, ...overrides }, { prefix, timeout, clock })
  return { clock, store, records }
}

const failure = (method: string) => ({
  code: 'ERR_SESSION_STORE',
  message: `the session store failed: ${method}()`,
})

describe('a record', () => {
  test('is there until it is dropped or expires, and lives longer when it is touched', async () => {
    const { clock, records } = setUp()
    await records.put('a', { value: 1 }, start + 60)
    await records.put('b', { value: 2 }, start + 60)
    expect(await records.get('a')).toEqual({ value: 1 })
    await records.touch('a', {}, start + 120)
    await records.touch('nobody', {}, start + 120)
    clock.move(60)
    expect(await records.get('a')).toEqual({ value: 1 })
    expect(await records.get('b')).toBeUndefined()
    expect(await records.get('nobody')).toBeUndefined()
    await records.drop('a')
    expect(await records.get('a')).toBeUndefined()
  })

  test('is what express-session would have put there: stores read its cookie', async () => {
    const { store, records } = setUp()
    await records.put('a', { value: 1 }, start + 60)
    expect(JSON.parse(store.entries.get('test:a') ?? '')).toEqual({
      cookie: {
        expires: new Date((start + 60) * 1000).toISOString(),
        originalMaxAge: 60_000,
        maxAge: 60_000,
      },
      oidc: { value: 1 },
    })
  })
})

describe('a store', () => {
  test.each<[string, SessionBackend['get']]>([
    ['calls back with an error', (_id, done) => done(new Error('down'))],
    ['throws', () => raise()],
    ['rejects', () => Promise.reject(new Error('down'))],
    ['never answers', () => {}],
  ])('that %s has failed', async (_how, act) => {
    const { records } = setUp({ get: act, set: act, destroy: act, touch: act } as never, 0.05)
    await expect(records.get('a')).rejects.toMatchObject(failure('get'))
  })

  test.each(['set', 'destroy', 'touch'] as const)('that fails in %s has failed', async (method) => {
    const act = (...given: unknown[]) => (given.at(-1) as Fail)(new Error('down'))
    const { records } = setUp({ [method]: act })
    const calls = {
      set: () => records.put('a', {}, start + 1),
      destroy: () => records.drop('a'),
      touch: () => records.touch('a', {}, start + 1),
    }
    await expect(calls[method]()).rejects.toMatchObject(failure(method))
  })

  test('that returns a query besides its answer does not run it again', async () => {
    let runs = 0
    const query = Object.fromEntries([['then', () => runs++]])
    const { records } = setUp({
      get(_id, done) {
        setImmediate(() => done(null, { oidc: { value: 1 } }))
        return query
      },
    })
    expect([await records.get('a'), runs]).toEqual([{ value: 1 }, 0])
  })

  test('that answers twice, or throws after its answer, has answered', async () => {
    const { records } = setUp({
      get(_id, done) {
        done(null, { oidc: { value: 1 } })
        done(new Error('late'))
        raise()
      },
    })
    expect(await records.get('a')).toEqual({ value: 1 })
  })

  test.each([
    [null],
    [undefined],
    ['{"oidc":{}}'],
    [7],
    [true],
    [[]],
    [{ cookie: {} }],
    [JSON.parse('{"__proto__":{"oidc":{}}}')],
  ])('that answers %j has nothing of ours', async (answer) => {
    const { records } = setUp({ get: (_id, done) => done(null, answer) })
    expect(await records.get('a')).toBeUndefined()
  })

  // As express-session reads it
  test('that keeps files and finds none has no record', async () => {
    const missing = Object.assign(new Error('no such file'), { code: 'ENOENT' })
    const act = (...given: unknown[]) => (given.at(-1) as Fail)(missing)
    const { records } = setUp({ get: act, set: act, destroy: act, touch: act })
    expect(await records.get('a')).toBeUndefined()
    await records.drop('a')
    await records.touch('a', {}, start + 1)
    await expect(records.put('a', {}, start + 1)).rejects.toMatchObject(failure('set'))
  })

  test.each(['get', 'set', 'destroy'] as const)(
    'without %s() is refused at the start',
    (method) => {
      const { [method]: _, ...rest } = createTestStore(createClock())
      for (const options of [{ session: { secret, store: rest } }, { logout: { store: rest } }]) {
        expect(findFaults(options)).toMatchObject([
          { message: expect.stringContaining(`has no ${method}()`) },
        ])
      }
    },
  )

  test('tells whether it can make records live longer', () => {
    const { store } = setUp()
    const { touch, ...rest } = store
    const settings = { prefix, timeout: 1, clock: createClock() }
    expect(createRecords({ ...rest, touch }, settings).canTouch).toBe(true)
    expect(createRecords(rest, settings).canTouch).toBe(false)
    const disabled = { ...store, disableTouch: true }
    expect(createRecords(disabled, settings).canTouch).toBe(false)
  })
})

type Fail = (error: unknown) => void

function raise(): never {
  throw new Error('thrown')
}
