/**
 * The time of this process, in which the provider and the key stores live, moved ahead as that of the apps
 * is: by the same seconds, and it goes on by the machine's clock. What fake timers make of `Date` falls
 * behind it where the machine is busy.
 *
 * @module
 */

import { vi } from 'vitest'
import type { KeyApp } from './key-app.ts'

/** The time of this process and of apps. */
export interface SharedTime {
  /** Moves all of them ahead, by seconds. */
  advance(seconds: number, apps: readonly KeyApp[]): Promise<void>
  /** Gives this process its own time back. */
  stop(): void
}

/** Takes `Date` over. It says the same as before until it is moved. */
export function shareTime(): SharedTime {
  let ahead = 0
  const RealDate = Date
  const now = () => RealDate.now() + ahead
  const ShiftedDate = new Proxy(RealDate, {
    construct: (real, values, target) =>
      Reflect.construct(real, values.length === 0 ? [now()] : values, target),
    get: (real, name) => (name === 'now' ? now : Reflect.get(real, name)),
  })
  vi.stubGlobal('Date', ShiftedDate)
  return {
    async advance(seconds, apps) {
      ahead += seconds * 1000
      await Promise.all(apps.map((app) => app.advance(seconds)))
    },
    stop: () => void vi.unstubAllGlobals(),
  }
}
