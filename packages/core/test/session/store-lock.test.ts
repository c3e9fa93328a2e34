import { afterEach, describe, expect, test, vi } from 'vitest'
import { createMutex, type TryLock } from '../../src/session/store-lock.ts'

const limits = { patience: 20_000, seconds: 20 }
const never = () => new Promise<never>(() => undefined)

afterEach(() => void vi.useRealTimers())

/** From now on time passes by hand: a machine that is slow would have a short lock expire too early. */
const stopTime = () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
}

/** What is to come when a test says so. */
function createGate() {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, opened }
}

/** A lock in memory, with what it was asked. */
function createLock(settings: { answer?: () => Promise<void> } = {}) {
  const held = new Set<string>()
  const log: string[] = []
  let asking = 0
  let mostAsking = 0
  const tryLock: TryLock = async (name) => {
    mostAsking = Math.max(mostAsking, ++asking)
    await settings.answer?.()
    asking--
    if (held.has(name)) {
      log.push(`${name} is held`)
      return undefined
    }
    held.add(name)
    log.push(`${name} is taken`)
    return async () => {
      held.delete(name)
      log.push(`${name} is given back`)
    }
  }
  return { tryLock, held, log, mostAsking: () => mostAsking }
}

const kinds = [
  { name: 'with a lock of the store', tryLock: () => createLock().tryLock },
  { name: 'without one', tryLock: () => undefined },
]

describe.each(kinds)('a mutex $name', ({ tryLock }) => {
  test('lets those who come for one name act one after another, in their order', async () => {
    const mutex = createMutex(tryLock())
    const log: string[] = []
    const act = (index: number) => async () => {
      log.push(`${index} begins`)
      await new Promise(setImmediate)
      log.push(`${index} ends`)
      return index
    }
    const indices = Array.from({ length: 25 }, (_, index) => index)
    const results = await Promise.all(indices.map((index) => mutex('a', act(index), limits)))
    expect(results).toEqual(indices)
    expect(log).toEqual(indices.flatMap((index) => [`${index} begins`, `${index} ends`]))
  })

  test('lets nobody wait for another name', async () => {
    const mutex = createMutex(tryLock())
    const { open, opened } = createGate()
    const first = mutex('a', () => opened, limits)
    expect(await mutex('b', async () => 'b', limits)).toBe('b')
    open()
    await first
  })

  test('throws what is thrown under the lock, and lets the next one in', async () => {
    const mutex = createMutex(tryLock())
    const error = new Error('refused')
    const failing = mutex('a', () => Promise.reject(error), limits)
    const next = mutex('a', async () => 'next', limits)
    await expect(failing).rejects.toBe(error)
    expect(await next).toBe('next')
  })

  test('lets go of who has lost patience, and those behind still wait for those ahead', async () => {
    const mutex = createMutex(tryLock())
    const { open, opened } = createGate()
    const log: string[] = []
    const act = (name: string) => async () => void log.push(name)
    const ahead = mutex('a', () => opened.then(act('ahead')), limits)
    const hasty = mutex('a', act('hasty'), { ...limits, patience: 20 })
    const behind = mutex('a', act('behind'), limits)
    await expect(hasty).rejects.toMatchObject({ code: 'ERR_SESSION_STORE', status: 503 })
    const newcomer = mutex('a', act('newcomer'), limits)
    open()
    await Promise.all([ahead, behind, newcomer])
    expect(log).toEqual(['ahead', 'behind', 'newcomer'])
  })

  test('tells when the lock expires', async () => {
    stopTime()
    const mutex = createMutex(tryLock())
    let held: AbortSignal | undefined
    const act = (signal: AbortSignal) => {
      held = signal
      return new Promise((resolve) => signal.addEventListener('abort', resolve))
    }
    const acting = mutex('a', act, { patience: 20_000, seconds: 5 })
    await vi.advanceTimersByTimeAsync(4999)
    expect(held?.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    await acting
    expect(held?.reason).toMatchObject({ name: 'TimeoutError' })
  })

  test('stops nothing when the lock expires, and lets nobody of this process in before', async () => {
    stopTime()
    const mutex = createMutex(tryLock())
    const log: string[] = []
    const slow = mutex(
      'a',
      async (signal) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        await new Promise(setImmediate)
        log.push('slow ends')
      },
      { patience: 20_000, seconds: 5 },
    )
    const next = mutex('a', async () => void log.push('next'), limits)
    await vi.advanceTimersByTimeAsync(5000)
    await Promise.all([slow, next])
    expect(log).toEqual(['slow ends', 'next'])
  })
})

describe('the lock of a store', () => {
  test('is asked for by one at a time, however many wait', async () => {
    const { tryLock, log, mostAsking } = createLock()
    const mutex = createMutex(tryLock)
    await Promise.all(Array.from({ length: 25 }, () => mutex('a', async () => {}, limits)))
    expect(mostAsking()).toBe(1)
    expect(log).toEqual(Array.from({ length: 25 }, () => ['a is taken', 'a is given back']).flat())
  })

  test('is waited for while somebody else holds it', async () => {
    const { tryLock, held, log } = createLock()
    const releaseOther = await tryLock('a', 1)
    const acting = createMutex(tryLock)('a', async () => 'done', limits)
    await vi.waitFor(() => expect(log).toContain('a is held'))
    await releaseOther?.()
    expect(await acting).toBe('done')
    expect(held.size).toBe(0)
  })

  test('is waited for in vain when it does not come free: nothing is done', async () => {
    const { tryLock } = createLock()
    await tryLock('a', 1)
    const act = () => Promise.reject(new Error('was done'))
    await expect(
      createMutex(tryLock)('a', act, { patience: 60, seconds: 1 }),
    ).rejects.toMatchObject({
      name: 'SessionError',
      code: 'ERR_SESSION_STORE',
      message: 'the lock of a session was held by somebody else for as long as was waited',
    })
  })

  test('is an error when the store fails, with its reason', async () => {
    const cause = new Error('connection refused')
    const mutex = createMutex(() => Promise.reject(cause))
    await expect(mutex('a', async () => 'done', limits)).rejects.toMatchObject({
      code: 'ERR_SESSION_STORE',
      message:
        'the lock of a session was not to be had: the session store failed, or took too long',
      cause,
    })
  })

  test('may throw at once, and it comes to the same', async () => {
    const cause = new Error('no client')
    const failing = createMutex(() => {
      throw cause
    })
    await expect(failing('a', async () => 'done', limits)).rejects.toMatchObject({
      name: 'SessionError',
      code: 'ERR_SESSION_STORE',
      cause,
    })
    const stuck = createMutex(async () => () => {
      throw cause
    })
    expect(await stuck('a', async () => 'done', limits)).toBe('done')
  })

  test('is given back at once when the store answers after everybody has left', async () => {
    const { open, opened } = createGate()
    const { tryLock, held, log } = createLock({ answer: () => opened })
    const mutex = createMutex(tryLock)
    const waiting = mutex('a', async () => 'done', { ...limits, patience: 20 })
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_SESSION_STORE' })
    open()
    await vi.waitFor(() => expect(log).toContain('a is given back'))
    expect(held.size).toBe(0)
  })

  test('is not used when the answer took longer than it lasts', async () => {
    stopTime()
    let asked = 0
    const tryLock: TryLock = async () => {
      if (++asked === 1) vi.advanceTimersByTime(5000)
      return async () => {}
    }
    const act = async () => asked
    expect(await createMutex(tryLock)('a', act, { patience: 20_000, seconds: 5 })).toBe(2)
  })

  test('is left to expire when it cannot be given back, and the result counts', async () => {
    const mutex = createMutex(async () => () => Promise.reject(new Error('gone')))
    expect(await mutex('a', async () => 'done', limits)).toBe('done')
  })

  test('does not keep a result back for a store that does not answer any more', async () => {
    const mutex = createMutex(async () => never)
    expect(await mutex('a', async () => 'done', limits)).toBe('done')
  })
})
