/**
 * Mutual exclusion between processes, over a lock in the app's own session store where that has the means.
 *
 * One process at a time may refresh an access token: a provider that rotates refresh tokens takes a second
 * use of one for theft, and revokes them all (RFC 9700, 4.14.2). So the lock is taken by one atomic
 * operation, ends by itself when its holder dies, and is only given back by whoever holds it.
 *
 * @module
 */

import { setTimeout as delay } from 'node:timers/promises'
import { actInTime, waitUntilAborted } from '../base/abort.ts'
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
  /**
   * Seconds after which another process may take the lock. Nothing stops what is done under it by then:
   * its own limits MUST be shorter, or it MUST heed its signal.
   */
  readonly seconds: number
}

/**
 * Acts while holding the lock of a name, and gives it back. The signal aborts when the lock expires:
 * another process may hold it from then on. Others in this process wait until `act` is over all the same.
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
  // One that an app has written may throw at once
  const answer = (async () => await ask())()
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
  try {
    await waitUntil(performance.now() + releaseTime, release())
  } catch {}
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
