/**
 * Locks in the app's own session store: in Redis and in PostgreSQL, by one atomic operation each.
 *
 * A lock is an entry beside the sessions. It is as good as the store: a replica of Redis that is promoted
 * may not have heard of it.
 *
 * @module
 */

import { generateId } from '../base/random.ts'
import type { TryLock } from './store-lock.ts'

/**
 * Finds how a lock is taken in an express-session store: connect-redis over node-redis 4 or later or over
 * ioredis, connect-pg-simple, and what looks like them; `undefined` when the store has no means. Nobody but
 * this process has a MemoryStore: there, whoever asks has the lock. The lock
 * is an entry beside the sessions, under its name: that MUST NOT be the identifier of a session.
 */
export function findStoreLock(store: object): TryLock | undefined {
  if (isSqlStore(store)) return createSqlLock(store)
  if (isInMemory(store)) return async () => async () => {}
  const redis = 'client' in store ? readRedis(store.client) : undefined
  const prefix = 'prefix' in store && typeof store.prefix === 'string' ? store.prefix : ''
  return redis && createRedisLock(redis, prefix)
}

/** express-session's MemoryStore. */
function isInMemory(store: object): boolean {
  return store.constructor.name === 'MemoryStore' && 'sessions' in store
}

/** What a lock is in the store: a session of nobody, for those who read all entries. */
function buildEntry(token: string): string {
  return JSON.stringify({ cookie: {}, lock: token })
}

/** What is asked of Redis. */
interface Redis {
  /** Sets a key that does not exist, for some milliseconds: `OK`, or `null` when it exists. */
  add(key: string, value: string, milliseconds: number): Promise<unknown>
  /** Runs a script with one key and one argument. */
  run(script: string, key: string, argument: string): Promise<unknown>
}

type Commands = Readonly<Record<'set' | 'eval', (...args: readonly unknown[]) => Promise<unknown>>>

const removeIfSame =
  "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"

/** Reads the client of a store by what only its kind has. */
function readRedis(client: unknown): Redis | undefined {
  if (!hasFunctions(client, ['set', 'eval'])) return undefined
  const commands = client as Commands
  // ioredis
  if (hasFunctions(client, ['defineCommand'])) {
    return {
      add: (key, value, milliseconds) => commands.set(key, value, 'PX', milliseconds, 'NX'),
      run: (script, key, argument) => commands.eval(script, 1, key, argument),
    }
  }
  // node-redis; its third version answers by callback, and writes "mget"
  if (hasFunctions(client, ['mGet'])) {
    return {
      add: (key, value, milliseconds) => commands.set(key, value, { PX: milliseconds, NX: true }),
      run: (script, key, argument) => commands.eval(script, { keys: [key], arguments: [argument] }),
    }
  }
  return undefined
}

function createRedisLock(redis: Redis, prefix: string): TryLock {
  return async (name, seconds) => {
    const key = prefix + name
    const entry = buildEntry(generateId())
    const answer = await redis.add(key, entry, Math.ceil(seconds * 1000))
    if (answer === null) return undefined
    if (String(answer) !== 'OK') throw new TypeError('the Redis client did not answer "OK" or null')
    return async () => {
      await redis.run(removeIfSame, key, entry)
    }
  }
}

/** What connect-pg-simple has besides the methods of every store. */
interface SqlStore {
  quotedTable(): string
  /** Answers with the first row. */
  query(
    query: string,
    values: readonly unknown[],
    callback: (error: unknown, row: unknown) => void,
  ): void
}

function isSqlStore(store: object): store is SqlStore {
  return hasFunctions(store, ['quotedTable', 'query'])
}

/** The moments are the database's, in the column that the store removes expired entries by. */
function createSqlLock(store: SqlStore): TryLock {
  function query(text: string, values: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      store.query(text, values, (error, row) => (error ? reject(error) : resolve(row)))
    })
  }
  return async (name, seconds) => {
    const table = store.quotedTable()
    const token = generateId()
    const taken = await query(
      `INSERT INTO ${table} AS entry (sid, sess, expire)
       VALUES ($1, $2, now() + $3 * interval '1 second')
       ON CONFLICT (sid) DO UPDATE SET sess = excluded.sess, expire = excluded.expire
       WHERE entry.expire < now() RETURNING sid`,
      [name, buildEntry(token), seconds],
    )
    if (!taken) return undefined
    return async () => {
      await query(`DELETE FROM ${table} WHERE sid = $1 AND sess::json ->> 'lock' = $2`, [
        name,
        token,
      ])
    }
  }
}

function hasFunctions(value: unknown, names: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null) return false
  return names.every((name) => typeof Reflect.get(value, name) === 'function')
}
