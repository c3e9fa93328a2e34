/**
 * Mutual exclusion between processes, in the app's own session store where that has the means.
 *
 * One process at a time may refresh an access token: a provider that rotates refresh tokens takes a second
 * use of one for theft, and revokes them all (RFC 9700, 4.14.2). So the lock is taken by one atomic
 * operation, ends by itself when its holder dies, and is only given back by whoever holds it. It is as
 * good as the store: a replica of Redis that is promoted may not have heard of it.
 *
 * @module
 */

import { setTimeout as delay } from 'node:timers/promises'
import { actInTime, waitUntilAborted } from '../base/abort.ts'
import { generateId } from '../base/random.ts'
import { SessionError } from '../errors.ts'

/**
 * Takes a lock for at most `seconds`; returns its release, or `undefined` when somebody else holds it.
 * MUST be atomic. The release MUST leave alone what has expired and is somebody else's by now. An answer
 * takes as long as the store takes.
 */
export type TryLock = (name: string, seconds: number) => Promise<(() => Promise<void>) | undefined>

/** How long a lock is waited for, and held. */
export interface MutexLimits {
  /** Milliseconds to wait for whoever holds it, and for the store to answer. */
  readonly patience: number
  /** Seconds after which another may take the lock: what is done under it MUST be over by then. */
  readonly seconds: number
}

/**
 * Acts while holding the lock of a name, and gives it back. The signal aborts when the lock expires.
 *
 * @throws SessionError `ERR_SESSION_STORE` when the lock was not to be had, and nothing was done. What
 * `act` throws comes out as it is.
 */
export type Mutex = <Value>(
  name: string,
  act: (signal: AbortSignal) => Promise<Value>,
  limits: MutexLimits,
) => Promise<Value>

/** Milliseconds between two looks at a lock that somebody else holds: at least, and at random on top. */
const pollAfter = 25
const pollJitter = 25
/** Milliseconds in which the store may take a lock back, while a result waits. */
const releaseTime = 1000

/**
 * Finds how a lock is taken in an express-session store: connect-redis over node-redis 4 or later or over
 * ioredis, connect-pg-simple, and what looks like them; `undefined` when the store has no means. The lock
 * is an entry beside the sessions, under its name: that MUST NOT be the identifier of a session.
 */
export function findStoreLock(store: object): TryLock | undefined {
  if (isSqlStore(store)) return createSqlLock(store)
  const redis = 'client' in store ? readRedis(store.client) : undefined
  const prefix = 'prefix' in store && typeof store.prefix === 'string' ? store.prefix : ''
  return redis && createRedisLock(redis, prefix)
}

/**
 * Creates a mutex over a store's lock; without one, over this process. Those who wait in one process stand
 * in a line, so that one of them at a time asks the store.
 */
export function createMutex(tryLock: TryLock | undefined): Mutex {
  const inTurn = createLine()
  return (name, act, limits) => {
    const deadline = performance.now() + limits.patience
    return inTurn(name, deadline, async () => {
      if (!tryLock) return await actUntil(performance.now() + limits.seconds * 1000, act)
      const { release, expires } = await takeLock(tryLock, name, { deadline, ...limits })
      try {
        return await actUntil(expires, act)
      } finally {
        await giveBack(release)
      }
    })
  }
}

type Line = <Value>(name: string, deadline: number, act: () => Promise<Value>) => Promise<Value>

/** Lets those who come for the same name act one after another. */
function createLine(): Line {
  const tails = new Map<string, Promise<void>>()
  return async (name, deadline, act) => {
    const before = tails.get(name)
    let leave = () => {}
    const left = new Promise<void>((resolve) => {
      leave = resolve
    })
    // Who loses patience leaves, but those behind still wait for those ahead
    const tail = Promise.all([before, left]).then(() => {
      if (tails.get(name) === tail) tails.delete(name)
    })
    tails.set(name, tail)
    try {
      if (before !== undefined) await waitUntil(deadline, before)
      return await act()
    } finally {
      leave()
    }
  }
}

interface TakenLock {
  /** When it does, by `performance.now()`: it may count from the moment the store was asked. */
  readonly expires: number
  readonly release: () => Promise<void>
}

async function takeLock(
  tryLock: TryLock,
  name: string,
  { seconds, deadline }: { readonly seconds: number; readonly deadline: number },
): Promise<TakenLock> {
  for (;;) {
    const expires = performance.now() + seconds * 1000
    const release = await askStore(() => tryLock(name, seconds), deadline)
    // A store that took longer than that has given the lock to another by now
    if (release && performance.now() < expires) return { release, expires }
    const pause = pollAfter + Math.random() * pollJitter
    if (performance.now() + pause >= deadline) {
      const message = 'the lock of a session was held by somebody else for as long as was waited'
      throw new SessionError('ERR_SESSION_STORE', message)
    }
    await delay(pause)
  }
}

async function askStore(ask: () => ReturnType<TryLock>, deadline: number): ReturnType<TryLock> {
  const answer = ask()
  try {
    return await waitUntil(deadline, answer)
  } catch (error) {
    // A client may keep the question until its store is back: then nobody is here to hold the lock
    answer.then((release) => release?.()).catch(() => {})
    throw error
  }
}

/** What was done is done: a lock that cannot be given back is left to expire. */
async function giveBack(release: () => Promise<void>): Promise<void> {
  await waitUntil(performance.now() + releaseTime, release()).catch(() => {})
}

async function waitUntil<Value>(deadline: number, promise: Promise<Value>): Promise<Value> {
  try {
    return await actUntil(deadline, (signal) => waitUntilAborted(promise, signal))
  } catch (cause) {
    const message =
      'the lock of a session was not to be had: the session store failed, or took too long'
    throw new SessionError('ERR_SESSION_STORE', message, { cause })
  }
}

function actUntil<Value>(
  deadline: number,
  act: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  return actInTime({ milliseconds: Math.max(0, deadline - performance.now()) }, act)
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
