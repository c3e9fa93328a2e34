import { expect, test, vi } from 'vitest'
import { createSingleFlight } from '../../src/base/single-flight.ts'

/** Counts how often it was done. */
function createAct() {
  const act = vi.fn(async () => act.mock.calls.length)
  return act
}

test('what is being done is done once', async () => {
  const once = createSingleFlight<number>()
  const act = createAct()
  expect(await Promise.all([once('a', act), once('a', act), once('b', act)])).toEqual([1, 1, 2])
  expect(act).toHaveBeenCalledTimes(2)
})

test('what was done lately is remembered, and forgotten after half a minute', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  try {
    const once = createSingleFlight<number>()
    const act = createAct()
    await once('a', act)
    vi.advanceTimersByTime(29_999)
    expect(await once('a', act)).toBe(1)
    vi.advanceTimersByTime(1)
    expect(await once('a', act)).toBe(2)
  } finally {
    vi.useRealTimers()
  }
})

test('a failure is not remembered', async () => {
  const once = createSingleFlight<number>()
  await expect(once('a', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
  expect(await once('a', createAct())).toBe(1)
})

test('what is not good any more is done again, and then remembered', async () => {
  const once = createSingleFlight<number>()
  const act = createAct()
  await once('a', act)
  expect(await once('a', act, (value) => value > 1)).toBe(2)
  expect(await once('a', act, (value) => value > 1)).toBe(2)
})

test('what is being done is shared, good or not', async () => {
  const once = createSingleFlight<number>()
  const act = createAct()
  const isGood = () => false
  expect(await Promise.all([once('a', act, isGood), once('a', act, isGood)])).toEqual([1, 1])
})

test('no more than a thousand results are remembered, the newest ones', async () => {
  const once = createSingleFlight<number>()
  const act = createAct()
  for (let key = 0; key < 1001; key++) await once(`${key}`, act)
  expect(await once('1000', act)).toBe(1001)
  expect(await once('0', act)).toBe(1002)
})

test('what is under way is done once, however much else begins meanwhile', async () => {
  const once = createSingleFlight<number>()
  const act = createAct()
  let land = (_: number) => {}
  const slow = once(
    'slow',
    () =>
      new Promise<number>((resolve) => {
        land = resolve
      }),
  )
  const never = () => new Promise<number>(() => {})
  const waiting = Array.from({ length: 1500 }, (_, key) => once(`${key}`, never))
  for (let key = 0; key < 1500; key++) await once(`landed ${key}`, act)
  act.mockClear()
  expect(once('0', act)).toBe(waiting[0])
  expect(once('slow', act)).toBe(slow)
  land(7)
  expect(await once('slow', act)).toBe(7)
  expect(act).not.toHaveBeenCalled()
})

test('what takes longer than half a minute is done once, and its result is remembered', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  try {
    const once = createSingleFlight<number>()
    const act = createAct()
    let land = (_: number) => {}
    const slow = once(
      'a',
      () =>
        new Promise<number>((resolve) => {
          land = resolve
        }),
    )
    vi.advanceTimersByTime(40_000)
    expect(once('a', act)).toBe(slow)
    land(7)
    await slow
    vi.advanceTimersByTime(29_999)
    expect(await once('a', act)).toBe(7)
  } finally {
    vi.useRealTimers()
  }
})

test('what is not good when it lands is not remembered', async () => {
  const once = createSingleFlight<number>()
  const act = createAct()
  expect(await once('a', act, () => false)).toBe(1)
  // Not even for whoever would take anything
  expect(await once('a', act)).toBe(2)
})
