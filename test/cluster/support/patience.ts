/**
 * The patience of End-Users while a process dies, is away and comes back, and at no other time.
 *
 * @module
 */

/** How often they try again. */
const attempts = 100

/** Knows whether an answer may fail to come. */
export interface Patience {
  /** What goes wrong meanwhile may be tried again. */
  during(disturbance: () => Promise<void>): Promise<void>
  /**
   * Acts until it is done, which is said by anything but a string.
   *
   * @throws Error where it came to something that no disturbance excuses
   */
  insist<Value>(doing: string, act: () => Promise<Value | string>): Promise<Value>
}

/** Creates it. */
export function createPatience(): Patience {
  let isDisturbed = false
  return {
    async during(disturbance) {
      isDisturbed = true
      await disturbance()
      isDisturbed = false
    },
    async insist(doing, act) {
      for (let attempt = 0; attempt < attempts; attempt++) {
        const wasDisturbed = isDisturbed
        const outcome = await act()
        if (typeof outcome !== 'string') return outcome
        // No answer, one by the proxy, or one by a process that has not found its store yet
        const isExcused = /^answered (?:0|502|503)$/.test(outcome) && (wasDisturbed || isDisturbed)
        if (!isExcused) throw new Error(`${doing}: ${outcome}`)
      }
      throw new Error(`${doing} was tried in vain`)
    },
  }
}
