/**
 * PKCS#11 modules, of which each is loaded and initialised once, however many keys are in it.
 *
 * A module that was loaded stays: to unload a library in which threads may be is a way to end the
 * process. For the same reason nobody may be in it when it is finalised.
 *
 * @see PKCS #11 Specification Version 3.1, 5.4
 * @module
 */

import { setTimeout as delay } from 'node:timers/promises'
import { waitUntilAborted } from '@countersign/core/keys'
import type * as pkcs11js from 'pkcs11js'
import { deadline } from '../store/call.ts'
import { StoreFault } from '../store/key-store.ts'
import { isReturn } from './failure.ts'
import { flag } from './numbers.ts'

/** The functions of a module. */
export type Cryptoki = pkcs11js.PKCS11

/** A module, as those see it that share it. */
export interface SharedModule {
  readonly cryptoki: Cryptoki
  /** Grows with each initialisation: handles of an earlier one are of no use. */
  generation(): number
  /** Initialises the module, if it is not: after a loss as well. */
  initialize(signal: AbortSignal): Promise<void>
  /** Runs what takes time inside the module. */
  run<Value>(act: () => Promise<Value>): Promise<Value>
  /** Has the module initialised again at the next use: its device is gone. */
  lose(generation: number): void
  /** Finalises the module when nobody else has it, and if it was not initialised by somebody else. */
  release(): Promise<void>
}

interface LoadedModule extends Omit<SharedModule, 'release'> {
  borrow(): SharedModule
}

const modules = new Map<string, LoadedModule>()

/**
 * Loads a module, or shares it. Whoever has it MUST release it.
 *
 * @throws StoreFault when there is no such module
 */
export function borrowModule(path: string, { PKCS11 }: typeof pkcs11js): SharedModule {
  const loaded = modules.get(path) ?? createModule(load(path, PKCS11))
  modules.set(path, loaded)
  return loaded.borrow()
}

function load(path: string, PKCS11: typeof pkcs11js.PKCS11): Cryptoki {
  try {
    return new PKCS11(path)
  } catch (error) {
    const cause = error instanceof Error ? error.message : 'unknown error'
    const remedy = `check "module-path", which names no PKCS#11 module that can be loaded (${cause})`
    throw new StoreFault('unavailable', 'the PKCS#11 module cannot be loaded', remedy)
  }
}

function createModule(cryptoki: Cryptoki): LoadedModule {
  const running = new Set<Promise<unknown>>()
  let state: 'finalized' | 'initialized' | 'lost' = 'finalized'
  let isOurs = false
  let generation = 0
  let borrowers = 0

  function initializeNow(): void {
    if (state === 'lost') finalizeNow()
    try {
      // Without it a module may take this process for one without threads
      cryptoki.C_Initialize({ flags: flag.osLockingOk })
      isOurs = true
    } catch (error) {
      if (!isReturn(error, 'CRYPTOKI_ALREADY_INITIALIZED')) throw error
      isOurs = false
    }
    state = 'initialized'
    generation += 1
  }

  function finalizeNow(): void {
    state = 'finalized'
    if (!isOurs) return
    try {
      cryptoki.C_Finalize()
    } catch {
      // What it complains about is over
    }
  }

  const shared: Omit<SharedModule, 'release'> = {
    cryptoki,
    generation: () => generation,
    async initialize(signal) {
      while (state === 'lost' && running.size > 0) {
        await waitUntilAborted(Promise.allSettled(running), signal)
      }
      if (state !== 'initialized') initializeNow()
    },
    async run(act) {
      const turn = act()
      running.add(turn)
      try {
        return await turn
      } finally {
        running.delete(turn)
      }
    },
    lose(lost) {
      if (lost === generation && state === 'initialized') state = 'lost'
    },
  }

  return {
    ...shared,
    borrow() {
      let isReleased = false
      borrowers += 1
      return {
        ...shared,
        async release() {
          if (isReleased) return
          isReleased = true
          borrowers -= 1
          const patience = new AbortController()
          const late = delay(deadline, undefined, { signal: patience.signal }).catch(() => {})
          await Promise.race([Promise.allSettled(running), late])
          patience.abort()
          if (borrowers === 0 && running.size === 0 && state !== 'finalized') finalizeNow()
        },
      }
    },
  }
}
