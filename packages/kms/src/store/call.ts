/**
 * One question to a key store, under its limits: a deadline, few at a time, and again only where the
 * store says so.
 *
 * @module
 */

import { setTimeout as delay } from 'node:timers/promises'
import { waitUntilAborted } from '@countersign/core/keys'
import type { LimitFunction } from 'p-limit'
import type { Failure } from './key-store.ts'

/** How a key store is asked. */
export interface StoreCall<Value> {
  readonly limit: LimitFunction
  readonly signal: AbortSignal
  readFailure(error: unknown): Failure | undefined
  act(signal: AbortSignal): Promise<Value>
}

/**
 * Milliseconds for a question, repetitions included: less than the 5 s for which whoever asks waits, so
 * that nobody who comes after them finds it still under way.
 */
export const deadline = 4500

/** Milliseconds that another attempt should have; with less, the reason now is better than a timeout. */
const enough = 1000

/** Milliseconds before the second and the third attempt, of which a random part is waited. */
const backoff = [200, 800]

/** Asks a key store. Throws what `act` throws, or the signal's reason. */
export async function callStore<Value>(call: StoreCall<Value>): Promise<Value> {
  const started = performance.now()
  for (const longest of backoff) {
    try {
      return await attempt(call)
    } catch (error) {
      const retryAfter = call.signal.aborted ? undefined : call.readFailure(error)?.retryAfter
      if (retryAfter === undefined) throw error
      const wait = Math.max(retryAfter, longest * (0.5 + Math.random() / 2))
      if (performance.now() - started + wait > deadline - enough) throw error
      await delay(wait, undefined, { signal: call.signal })
    }
  }
  return await attempt(call)
}

function attempt<Value>({ limit, signal, act }: StoreCall<Value>): Promise<Value> {
  const turn = limit(async () => {
    signal.throwIfAborted()
    return await waitUntilAborted(act(signal), signal)
  })
  // It may abort while others have their turn
  return waitUntilAborted(turn, signal)
}
