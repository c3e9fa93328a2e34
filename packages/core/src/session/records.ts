/**
 * Records in a store that was made for express-session: any of them, on every framework. Each call is
 * bounded in time, and what comes back is checked by whoever asked for it.
 *
 * @module
 */

import { actInTime, waitUntilAborted } from '../base/abort.ts'
import type { Clock } from '../base/clock.ts'
import { isObject } from '../base/objects.ts'
import { SessionError } from '../errors.ts'

/** A result, handed to a callback. */
type Done<Value> = (error?: unknown, value?: Value) => void

/**
 * A store made for express-session, as far as it is used: connect-redis, connect-pg-simple, MemoryStore
 * and others are one. `touch` is optional.
 *
 * @see https://github.com/expressjs/session#session-store-implementation
 */
export interface SessionBackend {
  // biome-ignore lint/suspicious/noExplicitAny: what each store calls a session is of a type of its own
  get(id: string, done: (error: any, record?: any) => void): unknown
  // biome-ignore lint/suspicious/noExplicitAny: as above
  set(id: string, record: any, done?: (error?: any) => void): unknown
  // biome-ignore lint/suspicious/noExplicitAny: as above
  destroy(id: string, done?: (error?: any) => void): unknown
  // biome-ignore lint/suspicious/noExplicitAny: as above
  touch?(id: string, record: any, done?: (error?: any) => void): unknown
}

/** Records by name. Every method throws SessionError `ERR_SESSION_STORE` where the store fails. */
export interface Records {
  /** What was put, or whatever somebody else has put there; `undefined` where nothing is, or it expired. */
  get(name: string): Promise<unknown>
  /** `expiresAt` is a NumericDate. */
  put(name: string, value: object, expiresAt: number): Promise<void>
  /**
   * Makes a record live longer, if it is there still; nothing where the store cannot. `value` is what is in
   * it: some stores write it again.
   */
  touch(name: string, value: object, expiresAt: number): Promise<void>
  drop(name: string): Promise<void>
  /** Whether records can be made to live longer. */
  readonly canTouch: boolean
}

/** Creates the records of one client: others in the same store do not meet them. */
export function createRecords(
  backend: SessionBackend,
  { prefix, timeout, clock }: { prefix: string; timeout: number; clock: Clock },
): Records {
  const call = <Value>(method: string, act: (done: Done<Value>) => unknown) =>
    callInTime(act, { method, milliseconds: timeout * 1000 })

  return {
    canTouch: typeof backend.touch === 'function' && !isTouchDisabled(backend),
    async get(name) {
      const found = await call<unknown>('get', (done) => backend.get(prefix + name, done))
      return isObject(found) ? found[member] : undefined
    },
    async put(name, value, expiresAt) {
      const record = { ...buildCookie(expiresAt, clock.now()), [member]: value }
      await call('set', (done) => backend.set(prefix + name, record, done))
    },
    async touch(name, value, expiresAt) {
      const record = { ...buildCookie(expiresAt, clock.now()), [member]: value }
      await call('touch', (done) =>
        backend.touch ? backend.touch(prefix + name, record, done) : done(),
      )
    },
    async drop(name) {
      await call('destroy', (done) => backend.destroy(prefix + name, done))
    },
  }
}

/** The part of a record that is ours; the rest is what stores expect of a session. */
const member = 'oidc'

/** What stores read the time to live from, each in its way. */
function buildCookie(expiresAt: number, now: number): { readonly cookie: object } {
  const maxAge = Math.max(expiresAt - now, 1) * 1000
  return { cookie: { expires: new Date(expiresAt * 1000), originalMaxAge: maxAge, maxAge } }
}

async function callInTime<Value>(
  act: (done: Done<Value>) => unknown,
  { method, milliseconds }: { method: string; milliseconds: number },
): Promise<Value | undefined> {
  try {
    return await actInTime({ milliseconds }, (signal) => waitUntilAborted(promisify(act), signal))
  } catch (error) {
    // As express-session has it: stores of files say so of a record that is not there
    if (method !== 'set' && isObject(error) && error['code'] === 'ENOENT') return undefined
    throw new SessionError('ERR_SESSION_STORE', `the session store failed: ${method}()`, {
      cause: error,
    })
  }
}

/** Most stores call back; those that are written as promises may reject instead. */
function promisify<Value>(act: (done: Done<Value>) => unknown): Promise<Value | undefined> {
  return new Promise((resolve, reject) => {
    const returned = act((error, value) => (error ? reject(error) : resolve(value)))
    // Other objects with a then() may be queries, which it would run once more
    if (returned instanceof Promise) returned.catch(reject)
  })
}

/** connect-redis says so where it does nothing in `touch`. */
function isTouchDisabled(backend: object): boolean {
  return 'disableTouch' in backend && backend.disableTouch === true
}
