/**
 * A look at what sources ask of a module, and a hand in what it answers. Modules that were loaded before
 * are not watched.
 *
 * @module
 */

import { createRequire } from 'node:module'
import type * as Pkcs11js from 'pkcs11js'

const require = createRequire(import.meta.url)

type Call = (...parameters: readonly unknown[]) => unknown

/** What sources ask of the modules that they load from now on. */
export interface WatchedModules {
  /** The functions that were called. */
  readonly calls: string[]
  /** What answers in place of a function; it is given the function itself. */
  readonly answers: Map<string, (real: Call, parameters: readonly unknown[]) => unknown>
  /** Leaves modules alone again. */
  stop(): void
}

/** Begins to watch. */
export function watchModules(): WatchedModules {
  const loaded: { PKCS11: typeof Pkcs11js.PKCS11 } = require('pkcs11js')
  const { PKCS11 } = loaded
  const calls: string[] = []
  const answers: WatchedModules['answers'] = new Map()
  loaded.PKCS11 = class extends PKCS11 {
    constructor(path: string) {
      super(path)
      for (const name of names) {
        const method: unknown = Reflect.get(this, name)
        if (typeof method !== 'function') throw new TypeError(`there is no ${name}`)
        const real: Call = (...parameters) => Reflect.apply(method, this, parameters)
        const value: Call = (...parameters) => {
          calls.push(name)
          const answer = answers.get(name)
          return answer ? answer(real, parameters) : real(...parameters)
        }
        Object.defineProperty(this, name, { value })
      }
    }
  }
  return {
    calls,
    answers,
    stop() {
      loaded.PKCS11 = PKCS11
    },
  }
}

/** What a module is asked while keys are looked for. */
const names = [
  ...['C_Login', 'C_OpenSession', 'C_GetSessionInfo', 'C_SignInit'],
  ...['C_FindObjectsInit', 'C_FindObjects', 'C_FindObjectsFinal', 'C_GetAttributeValue'],
]
