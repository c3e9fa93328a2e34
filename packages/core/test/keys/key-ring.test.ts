import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { KeyError } from '../../src/errors.ts'
import { createKeyRing } from '../../src/keys/key-ring.ts'
import { createLocalSigner } from '../../src/keys/local-signer.ts'
import type { KeySource, TimedSigner } from '../../src/keys/signer.ts'
import { collectEvents, generateEc, generateRsa } from './support/keys.ts'

const signer = (kid: string) => createLocalSigner({ key: generateEc(), alg: 'ES256', kid })
const [first, second, third] = [signer('first'), signer('second'), signer('third')]

const source = (...keys: TimedSigner[]): KeySource => ({ name: 'good', keys: async () => keys })
const broken = (error: unknown): KeySource => ({
  name: 'broken',
  keys: () => Promise.reject(error),
})

function open(...sources: KeySource[]) {
  const { events, emit } = collectEvents()
  const clock = { time: 100, now: () => clock.time }
  const ring = createKeyRing({ sources, clock, emit })
  const kids = async () => (await ring.published()).map(({ kid }) => kid)
  const current = async () => (await ring.current()).kid
  return { ring, clock, events, kids, current }
}

describe('over time', () => {
  const rotating = () =>
    open(
      source({ signer: first, notAfter: 300 }, { signer: second, notBefore: 200 }),
      source({ signer: third, notBefore: 400, notAfter: 500 }),
    )

  test.each([
    [100, 'first', ['first', 'second', 'third']],
    [199, 'first', ['first', 'second', 'third']],
    [200, 'second', ['first', 'second', 'third']],
    [299, 'second', ['first', 'second', 'third']],
    [300, 'second', ['second', 'third']],
    [400, 'third', ['second', 'third']],
    [500, 'second', ['second']],
  ])(
    'at %d the newest key that has begun signs, and all are published but those that are over',
    async (now, kid, kids) => {
      const ring = rotating()
      ring.clock.time = now
      expect(await ring.current()).toBe(kid)
      expect(await ring.kids()).toEqual(kids)
    },
  )

  test('of two keys that begin together the one that is named first signs', async () => {
    const { current } = open(
      source({ signer: second, notBefore: 50 }),
      source({ signer: first, notBefore: 50 }),
    )
    expect(await current()).toBe('second')
  })

  test('a key that says nothing gives way to one that has begun', async () => {
    const { current } = open(source({ signer: first }, { signer: second, notBefore: 1 }))
    expect(await current()).toBe('second')
  })
})

describe('what is published', () => {
  test('is one JWK for a key that is there twice', async () => {
    const { kids } = open(source({ signer: first }), source({ signer: first, notBefore: 500 }))
    expect(await kids()).toEqual(['first'])
  })

  test('names no algorithm for a key that signs with two, or three', async () => {
    const key = generateRsa()
    const keys = (['RS256', 'PS256', 'RS256'] as const).map((alg) => ({
      signer: createLocalSigner({ key, alg }),
    }))
    const published = await open(source(...keys)).ring.published()
    expect(published).toEqual([
      { ...keys[0]?.signer.publicJwk, kid: keys[0]?.signer.kid, use: 'sig' },
    ])
  })
})

describe('without a key that may sign', () => {
  test.each<[string, KeySource, string]>([
    ['none is there', source(), 'no key may sign: there is none, or all are past their "notAfter"'],
    [
      'all are over',
      source({ signer: first, notAfter: 100 }),
      'no key may sign: there is none, or all are past their "notAfter"',
    ],
    [
      'the next one is told',
      source(
        { signer: first, notBefore: 1_900_000_000 },
        { signer: second, notBefore: 1_893_456_000 },
      ),
      'no key may sign yet: the first one from 2030-01-01T00:00:00.000Z on',
    ],
    [
      'the next one is beyond all dates',
      source({ signer: first, notBefore: 1e15 }),
      'no key may sign yet: the first one from 1000000000000000 on',
    ],
  ])('%s', async (_, keys, message) => {
    await expect(open(keys).ring.current()).rejects.toMatchObject({ code: 'ERR_NO_KEY', message })
  })
})

describe('a source that fails', () => {
  test('does not matter beside a good one, and is told once', async () => {
    const { current, events } = open(broken(new Error('gone')), source({ signer: first }))
    expect([await current(), await current()]).toEqual(['first', 'first'])
    const error = { code: 'ERR_UNEXPECTED', message: 'gone', causes: [] }
    expect(events).toEqual([{ type: 'key.reload_failed', source: 'broken', error }])
  })

  test('is told again when it was good meanwhile', async () => {
    const answers = [new Error('a'), new Error('b'), undefined, new Error('c')]
    const keys = async () => {
      const error = answers.shift()
      if (error) throw error
      return [{ signer: first }]
    }
    const { current, events } = open({ name: 'moody', keys }, source({ signer: second }))
    for (const _ of [...answers]) await current()
    expect(events).toMatchObject([{ error: { message: 'a' } }, { error: { message: 'c' } }])
  })

  test('alone fails with its own error, if that is one of ours', async () => {
    const error = new KeyError('ERR_KEY_UNAVAILABLE', 'the vault is sealed')
    await expect(open(broken(error), broken(new Error('x'))).ring.current()).rejects.toBe(error)
  })

  test('alone fails with an error that names it, and has its own for a cause', async () => {
    const cause = new Error('gone')
    await expect(open(broken(cause)).ring.published()).rejects.toMatchObject({
      code: 'ERR_KEY_UNAVAILABLE',
      message: 'broken cannot be used',
      cause,
    })
  })

  test('may throw at once', async () => {
    const throwing = (): never => {
      throw new Error('at once')
    }
    const { current, events } = open(
      { name: 'throwing', keys: throwing },
      source({ signer: first }),
    )
    expect(await current()).toBe('first')
    expect(events).toMatchObject([{ source: 'throwing', error: { message: 'at once' } }])
  })
})

describe('a source that never answers', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())
  const silent: KeySource = { name: 'silent', keys: () => new Promise(() => undefined) }

  test('is waited for 5 seconds, and then has failed', async () => {
    const { ring, events } = open(silent)
    const current = expect(ring.current()).rejects.toMatchObject({
      code: 'ERR_KEY_UNAVAILABLE',
      message: 'silent did not answer in time',
      reason: 'timeout',
    })
    await vi.advanceTimersByTimeAsync(4_999)
    expect(events).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    await current
    expect(events).toMatchObject([{ type: 'key.reload_failed', source: 'silent' }])
  })

  test('is waited for as long as the caller wants, if that is shorter', async () => {
    const controller = new AbortController()
    const { ring } = open(silent)
    const current = expect(ring.current({ signal: controller.signal })).rejects.toMatchObject({
      code: 'ERR_KEY_UNAVAILABLE',
      reason: 'timeout',
    })
    controller.abort()
    await current
    expect(vi.getTimerCount()).toBe(0)
    await expect(ring.current({ signal: controller.signal })).rejects.toThrow('in time')
  })

  test('keeps a good one from being published alone: others may sign with the key that is missing', async () => {
    const { kids } = open(silent, source({ signer: first }))
    const publishing = expect(kids()).rejects.toMatchObject({ reason: 'timeout' })
    await vi.advanceTimersByTimeAsync(5_000)
    await publishing
  })

  test('keeps nothing from being published before its own time', async () => {
    const next = { ...silent, notBefore: 101 }
    const { clock, kids } = open(next, source({ signer: first }))
    const publishing = kids()
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await publishing).toEqual(['first'])
    clock.time = 101
    const failing = expect(kids()).rejects.toMatchObject({ reason: 'timeout' })
    await vi.advanceTimersByTimeAsync(5_000)
    await failing
  })

  test('and is only slow is not told of as failing', async () => {
    const { current, events } = open(silent, source({ signer: first }))
    const signing = current()
    await vi.advanceTimersByTimeAsync(1_000)
    await signing
    expect(events).toEqual([])
  })

  test('does not keep a good one from signing for long, and no timer stays behind', async () => {
    const { current } = open(silent, source({ signer: first }))
    const signing = current()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(await signing).toBe('first')
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('instead of a key that has just failed', () => {
  test.each([
    ['the newest of the others signs', 250, 'first', 'second'],
    ['the one before it signs', 350, 'third', 'second'],
    ['the one before that', 250, 'second', 'first'],
  ])('%s', async (_, now, failed, kid) => {
    const { ring, clock } = open(
      source(
        { signer: first },
        { signer: second, notBefore: 200 },
        { signer: third, notBefore: 300 },
      ),
    )
    clock.time = now
    const instead = [first, second, third].find((one) => one.kid === failed)
    expect((await ring.current({ instead })).kid).toBe(kid)
  })

  test('one signs that has begun by a clock that is ahead', async () => {
    const ending = { signer: first, notAfter: 130 }
    const { ring } = open(source(ending, { signer: second, notBefore: 130 }))
    expect((await ring.current({ instead: first })).kid).toBe('second')
  })

  test('no other is no key', async () => {
    const { ring } = open(source({ signer: first }, { signer: second, notBefore: 161 }))
    await expect(ring.current({ instead: first })).rejects.toMatchObject({ code: 'ERR_NO_KEY' })
  })
})

test('there is a check for a key, which asks until there was one', async () => {
  const keys = vi.fn<KeySource['keys']>()
  keys.mockRejectedValueOnce(new KeyError('ERR_KEY_UNAVAILABLE', 'not yet'))
  keys.mockResolvedValue([{ signer: first }])
  const { ring } = open({ name: 'late', keys })
  await expect(ring.check()).rejects.toThrow('not yet')
  await ring.check()
  await ring.check()
  expect(keys).toHaveBeenCalledTimes(2)
})

test('closing closes every source, also when one of them fails to', async () => {
  const close = vi.fn(async () => undefined)
  const failing = { ...source(), close: () => Promise.reject(new Error('no')) }
  await open(failing, { ...source(), close }, source()).ring.close()
  expect(close).toHaveBeenCalledOnce()
})

describe('the steps of a rotation', () => {
  const next = { signer: second, notBefore: 200, notAfter: 400 }

  test('are told as they happen: publish, switch, retire', async () => {
    let keys: TimedSigner[] = [{ signer: first }]
    const { ring, clock, events, current } = open({ name: 'moving', keys: async () => keys })
    await current()
    expect(events).toEqual([])
    keys = [{ signer: first, notAfter: 300 }, next]
    await ring.published()
    expect(events.splice(0)).toEqual([
      { type: 'key.published', kid: 'second', alg: 'ES256', notBefore: 200 },
    ])
    clock.time = 200
    await Promise.all([current(), ring.published()])
    expect(events.splice(0)).toEqual([{ type: 'key.switched', kid: 'second', previous: 'first' }])
    clock.time = 300
    await ring.published()
    expect(events.splice(0)).toEqual([{ type: 'key.retired', kid: 'first' }])
  })

  test('that happens while the keys are waited for is the one that counts', async () => {
    const keys = [{ signer: first, notAfter: 300 }, next]
    const answers: (() => void)[] = []
    let isSlow = false
    const slow: KeySource['keys'] = async () => {
      if (isSlow) await new Promise<void>((resolve) => answers.push(resolve))
      return keys
    }
    const { current, clock, events } = open({ name: 'slow', keys: slow })
    expect(await current()).toBe('first')
    isSlow = true
    const before = current()
    clock.time = 200
    isSlow = false
    expect(await current()).toBe('second')
    for (const answer of answers) answer()
    expect(await before).toBe('second')
    expect(events).toEqual([{ type: 'key.switched', kid: 'second', previous: 'first' }])
  })

  test('are not told of a source that only fails to answer', async () => {
    let isUp = true
    const moody = async () => {
      if (!isUp) throw new Error('down')
      return [next]
    }
    const { current, events } = open({ name: 'moody', keys: moody }, source({ signer: first }))
    await current()
    isUp = false
    await current()
    isUp = true
    await current()
    expect(events.map(({ type }) => type)).toEqual(['key.reload_failed'])
  })
})

test('a request to renew reaches the sources, and what they report is told', async () => {
  const keys = vi.fn<KeySource['keys']>(async ({ report } = {}) => {
    report?.(new KeyError('ERR_KEY_UNAVAILABLE', 'away', { reason: 'unavailable' }))
    return [{ signer: first }]
  })
  const { ring, events } = open({ name: 'store', keys })
  await ring.current({ instead: second })
  expect(keys).toHaveBeenCalledWith(expect.objectContaining({ renew: true }))
  expect(events).toEqual([
    {
      type: 'key.reload_failed',
      source: 'store',
      error: { code: 'ERR_KEY_UNAVAILABLE', message: 'away', reason: 'unavailable', causes: [] },
    },
  ])
})

test('a key of a store with an algorithm that the provider does not accept signs nothing', async () => {
  const accepted = {
    defaultRsaAlg: 'PS256',
    findFault: ({ alg }: { readonly alg: string }) =>
      alg === 'PS256' ? undefined : `signs with ${alg}, and Jiko accepts PS256 only`,
  } as const
  const { emit } = collectEvents()
  const sources = [source({ signer: first })]
  const ring = createKeyRing({ sources, accepted, clock: { now: () => 100 }, emit })
  const refusal = {
    code: 'ERR_SIGN',
    reason: 'unsupported-algorithm',
    kid: 'first',
    message: `the key "first" signs with ${first.alg}, and Jiko accepts PS256 only`,
  }
  await expect(ring.current()).rejects.toMatchObject(refusal)
  await expect(ring.check()).rejects.toMatchObject(refusal)
})
