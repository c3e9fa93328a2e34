// @ts-check
/** Where sessions live: the environment says it. The same in every example. */

import { setTimeout as delay } from 'node:timers/promises'
import connectPgSimple from 'connect-pg-simple'
import { RedisStore } from 'connect-redis'
import session from 'express-session'
import pg from 'pg'
import { createClient } from 'redis'

/**
 * Adds a store to the options of the Relying Party. A store that is down keeps nobody from starting:
 * people with a session get 503 until it is there.
 *
 * @template {{ readonly session: object }} Options
 * @param {Options} options
 * @param {NodeJS.ProcessEnv} env
 */
export function withStore(options, env) {
  const { place, store, close } = openStore(env)
  if (!store) {
    // What a logout at the provider ends is noted here: for one process. Replicas need a store to share
    return { options: { ...options, logout: { store: new session.MemoryStore() } }, place, close }
  }
  // With the ID Token the provider knows at logout whom to sign out, and need not ask
  const keep = /** @type {const} */ (['idToken'])
  return { options: { ...options, session: { ...options.session, store, keep } }, place, close }
}

/**
 * @typedef {{ place: string, store?: session.Store, close: () => void | Promise<void> }} Opened
 * @param {NodeJS.ProcessEnv} env
 * @returns {Opened}
 */
function openStore({ SESSION_STORE, REDIS_URL, DATABASE_URL }) {
  if (SESSION_STORE && SESSION_STORE !== 'memory') {
    throw new TypeError(
      'SESSION_STORE can only be "memory": a store is named by its REDIS_URL or DATABASE_URL',
    )
  }
  if (SESSION_STORE) {
    return { place: 'this process', store: new session.MemoryStore(), close() {} }
  }
  if (REDIS_URL) return openRedis(REDIS_URL)
  if (DATABASE_URL) return openPostgres(DATABASE_URL)
  return { place: 'a sealed cookie', close() {} }
}

/** @param {string} url @returns {Opened} */
function openRedis(url) {
  const fault = 'REDIS_URL is no URL of Redis (redis://localhost:6379)'
  // Nothing waits in the client for a Redis that is down: it would be late when it is back
  const client = readOrRefuse(fault, () => createClient({ url, disableOfflineQueue: true }))
  client.on('error', (error) => complain('Redis', error))
  // It tries again by itself, and says each time why
  client.connect().catch(() => {})
  return { place: 'Redis', store: new RedisStore({ client }), close: () => client.destroy() }
}

/** @param {string} connectionString @returns {Opened} */
function openPostgres(connectionString) {
  const fault = 'DATABASE_URL is no URL of PostgreSQL (postgres://user@localhost:5432/app)'
  readOrRefuse(fault, () => readPostgresUrl(connectionString))
  const pool = new pg.Pool({ connectionString, connectionTimeoutMillis: 2000 })
  pool.on('error', (error) => complain('PostgreSQL', error))
  const store = new (connectPgSimple(session))({ pool })
  const closing = new AbortController()
  void createTable(pool, closing.signal)
  async function close() {
    closing.abort()
    await store.close()
    await pool.end()
  }
  return { place: 'PostgreSQL', store, close }
}

/** The pool would read it only when it connects. @param {string} connectionString */
function readPostgresUrl(connectionString) {
  // To it "localhost:5432" would be one, of another host
  if (!/^(postgres(ql)?:|socket:|\/)/i.test(connectionString)) throw new TypeError('not its scheme')
  return new pg.Client({ connectionString }) // connects to nothing yet
}

// connect-pg-simple would make it too, but tries only once, and replicas may start together
const table = `
  SELECT pg_advisory_xact_lock(hashtext('session'));
  CREATE TABLE IF NOT EXISTS session (sid varchar PRIMARY KEY, sess json NOT NULL, expire timestamp(6) NOT NULL);
  CREATE INDEX IF NOT EXISTS session_expire ON session (expire);`

/** @param {pg.Pool} pool @param {AbortSignal} closing */
async function createTable(pool, closing) {
  while (!closing.aborted) {
    try {
      await pool.query(table)
      return
    } catch (error) {
      complain('PostgreSQL', error)
      await delay(1000, undefined, { ref: false })
    }
  }
}

/** @param {string} name @param {any} error */
function complain(name, { code, message }) {
  console.error(`${name}: ${code ?? message}`)
}

/**
 * Reads a URL, or throws what is wrong: without the value and the cause, which may show a password.
 *
 * @template Result
 * @param {string} fault
 * @param {() => Result} read
 */
function readOrRefuse(fault, read) {
  try {
    return read()
  } catch {
    throw new TypeError(fault)
  }
}
