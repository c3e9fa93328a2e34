/**
 * The lock in the stores that apps use, on real servers.
 *
 * @network loopback
 */

import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeEach } from '../../../../test/support/installed.ts'
import {
  openPostgresStore,
  postgresSkipReason,
  startPostgres,
} from '../../../../test/support/postgres.ts'
import { openRedisStore, redisSkipReason, startRedis } from '../../../../test/support/redis.ts'
import type { OpenStore, ServerProcess } from '../../../../test/support/server-process.ts'
import { findStoreLock } from '../../src/session/find-store-lock.ts'
import { createMutex, type TryLock } from '../../src/session/store-lock.ts'

type Store = OpenStore['store']

const kinds = [
  { name: 'connect-redis', skipReason: redisSkipReason, start: startRedis, open: openRedisStore },
  {
    name: 'connect-pg-simple',
    skipReason: postgresSkipReason,
    start: startPostgres,
    open: openPostgresStore,
  },
  {
    name: 'connect-pg-simple with names of its own',
    skipReason: postgresSkipReason,
    start: startPostgres,
    open: (url: string) =>
      openPostgresStore(url, { schemaName: 'public', tableName: 'the "sessions"' }),
  },
]

function findLock(store: Store): TryLock {
  const tryLock = findStoreLock(store)
  if (!tryLock) throw new TypeError('the store has no lock')
  return tryLock
}

/** Looks until somebody gets the lock. */
async function waitForLock(tryLock: TryLock, name: string, seconds: number) {
  for (let attempt = 0; attempt < 200; attempt++) {
    const release = await tryLock(name, seconds)
    if (release) return release
    await delay(25)
  }
  throw new Error('the lock does not expire')
}

function read(store: Store, id: string): Promise<number> {
  return new Promise((resolve, reject) => {
    store.get(id, (error, session) => {
      if (error) reject(error)
      else resolve(Number(Object(session).count ?? 0))
    })
  })
}

function write(store: Store, id: string, count: number): Promise<void> {
  const session = { cookie: { originalMaxAge: 60_000 }, count }
  return new Promise((resolve, reject) => {
    store.set(id, session, (error) => (error ? reject(error) : resolve()))
  })
}

describeEach(kinds)(
  '$name',
  ({ start, open }) => {
    let server: ServerProcess
    let one: OpenStore
    let other: OpenStore

    beforeAll(async () => {
      server = await start()
      one = await open(server.url)
      other = await open(server.url)
    }, 60_000)

    afterAll(async () => {
      await one?.close()
      await other?.close()
      await server?.close()
    })

    test('200 increments over two connections end at 200, and no two of them at once', async () => {
      const limits = { seconds: 20, patience: 60_000 }
      let holders = 0
      let most = 0
      const increments = [one, other].flatMap(({ store }) => {
        const mutex = createMutex(findLock(store))
        return Array.from({ length: 100 }, () =>
          mutex(
            'count-lock',
            async () => {
              most = Math.max(most, ++holders)
              await write(store, 'count', (await read(store, 'count')) + 1)
              holders--
            },
            limits,
          ),
        )
      })
      await Promise.all(increments)
      expect(await read(one.store, 'count')).toBe(200)
      expect(most).toBe(1)
    })

    test('only one of two gets a lock, and the other one after the release', async () => {
      const release = await findLock(one.store)('held', 30)
      expect(await findLock(other.store)('held', 30)).toBeUndefined()
      expect(await findLock(one.store)('held', 30)).toBeUndefined()
      await release?.()
      const next = await findLock(other.store)('held', 30)
      expect(next).toBeTypeOf('function')
      await next?.()
    })

    test('a holder that died is replaced when its lock has expired', async () => {
      const dead = await open(server.url)
      expect(await findLock(dead.store)('orphan', 0.3)).toBeTypeOf('function')
      await dead.close()
      const mutex = createMutex(findLock(other.store))
      const limits = { seconds: 5, patience: 20_000 }
      expect(await mutex('orphan', async () => 'mine', limits)).toBe('mine')
    })

    test('the release of a lock that has expired leaves alone who has it now', async () => {
      const late = await findLock(one.store)('expired', 0.1)
      const release = await waitForLock(findLock(other.store), 'expired', 30)
      await late?.()
      expect(await findLock(one.store)('expired', 30)).toBeUndefined()
      await release()
    })

    test('those who read all sessions are not put out by a lock', async () => {
      const release = await findLock(one.store)('listed', 30)
      const session = await new Promise((resolve, reject) => {
        one.store.get('listed', (error, found) => (error ? reject(error) : resolve(found)))
      })
      expect(session).toMatchObject({ cookie: {} })
      await release?.()
    })

    test('a store that is down is an error in time, and no lock is left from it', async () => {
      const act = () => Promise.resolve('done')
      const mutex = createMutex(findLock(one.store))
      await server.kill()
      // Longer than the test: whatever is left of it would be in the way
      const refused = mutex('outage', act, { seconds: 600, patience: 1000 })
      await expect(refused).rejects.toMatchObject({
        name: 'SessionError',
        code: 'ERR_SESSION_STORE',
        status: 503,
        cause: expect.any(Error),
      })
      await server.restart()
      for (let attempt = 0; attempt < 40; attempt++) {
        const result = await mutex('outage', act, { seconds: 5, patience: 500 }).catch(() => 'down')
        if (result === 'done') return
        await delay(50)
      }
      throw new Error('the lock is not to be had any more')
    })
  },
  60_000,
)
