import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { actInTime, waitUntilAborted } from '../../src/base/abort.ts'

const never = () => new Promise<never>(() => undefined)

describe('waiting until a signal aborts', () => {
  test('returns what comes first', async () => {
    const { signal } = new AbortController()
    expect(await waitUntilAborted(Promise.resolve(1), signal)).toBe(1)
    await expect(waitUntilAborted(Promise.reject(new Error('no')), signal)).rejects.toThrow('no')
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  test('throws the reason of the signal, also of one that has aborted before', async () => {
    const controller = new AbortController()
    const waiting = waitUntilAborted(never(), controller.signal)
    controller.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    await expect(waitUntilAborted(never(), controller.signal)).rejects.toThrow('enough')
  })
})

describe('acting in time', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('leaves no timer and no listener behind', async () => {
    const { signal } = new AbortController()
    const act = async (own: AbortSignal) => own.aborted
    expect(await actInTime({ milliseconds: 10, signal }, act)).toBe(false)
    expect(vi.getTimerCount()).toBe(0)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  test('aborts with a TimeoutError when it is late', async () => {
    const acting = actInTime({ milliseconds: 10 }, (signal) => waitUntilAborted(never(), signal))
    const failed = expect(acting).rejects.toMatchObject({ name: 'TimeoutError' })
    await vi.advanceTimersByTimeAsync(9)
    expect(vi.getTimerCount()).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    await failed
  })

  test('aborts with the other signal, also one that has aborted before', async () => {
    const controller = new AbortController()
    const limit = { milliseconds: 10, signal: controller.signal }
    const acting = actInTime(limit, (signal) => waitUntilAborted(never(), signal))
    controller.abort(new Error('enough'))
    await expect(acting).rejects.toThrow('enough')
    const again = actInTime(limit, async (signal) => signal.throwIfAborted())
    await expect(again).rejects.toThrow('enough')
  })
})
