import { describe, expect, test } from 'vitest'
import { findStoreLock } from '../../src/session/find-store-lock.ts'

describe('a store', () => {
  const set = async () => 'OK'
  const nothing = [
    ['keeps its sessions in memory', { sessions: {}, get() {}, set() {} }],
    ['has a client that is not of Redis', { client: { set } }],
    ['hides its client, as connect-redis 7 does', { client: { set, scanIterator() {} } }],
    ['has a client that answers by callback', { client: { set, eval() {}, mget() {} } }],
    ['has no client', { client: undefined, prefix: 'sess:' }],
  ] as const

  test.each(nothing)('that %s has no lock', (_, store) => {
    expect(findStoreLock(store)).toBeUndefined()
  })

  test('over ioredis is asked in its words', async () => {
    const asked: unknown[][] = []
    const client = {
      async set(...args: unknown[]) {
        asked.push(args)
        return asked.length === 1 ? 'OK' : null
      },
      async eval(...args: unknown[]) {
        asked.push(args)
        return 1
      },
      defineCommand() {},
    }
    const tryLock = findStoreLock({ client, prefix: 'app:' })
    const release = await tryLock?.('refresh', 1.5)
    expect(await tryLock?.('refresh', 1.5)).toBeUndefined()
    await release?.()
    const [[, entry] = [], , removal] = asked
    expect(asked[0]).toEqual(['app:refresh', entry, 'PX', 1500, 'NX'])
    expect(removal).toEqual([expect.stringContaining("'del'"), 1, 'app:refresh', entry])
    expect(asked[1]?.[1]).not.toBe(entry)
  })

  test('whose client answers nothing, as in its legacy mode, is an error and no lock', async () => {
    const client = { set: async () => undefined, async eval() {}, mGet() {} }
    await expect(findStoreLock({ client })?.('a', 1)).rejects.toThrow(
      'the Redis client did not answer "OK" or null',
    )
  })
})
