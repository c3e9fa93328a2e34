/**
 * Doing something once that several requests ask for at the same moment, or just after one another.
 *
 * @module
 */

/**
 * Does `act` for a key, unless it is being done, or was done lately: then its result is shared. One that
 * was done is remembered and shared only while `isGood` says so. Default: always.
 */
export type SingleFlight<Value> = (
  key: string,
  act: () => Promise<Value>,
  isGood?: (value: Value) => boolean,
) => Promise<Value>

interface Landed<Value> {
  readonly value: Value
  readonly until: number
}

/** Milliseconds for which a result is shared with requests that were under way already. */
const rememberFor = 30_000
const maxRemembered = 1000

/** Creates a single flight. A failure is not remembered. */
export function createSingleFlight<Value>(): SingleFlight<Value> {
  // However many there are: to do one of them a second time may be taken for theft (RFC 9700, 4.14.2)
  const underWay = new Map<string, Promise<Value>>()
  /** The one that landed last is the last one. */
  const landed = new Map<string, Landed<Value>>()

  function forget(): void {
    const now = performance.now()
    for (const [key, { until }] of landed) {
      if (until > now && landed.size <= maxRemembered) return
      landed.delete(key)
    }
  }

  return (key, act, isGood = () => true) => {
    forget()
    const begun = underWay.get(key)
    if (begun !== undefined) return begun
    const known = landed.get(key)
    if (known && isGood(known.value)) return Promise.resolve(known.value)
    landed.delete(key)
    const result = act()
    underWay.set(key, result)
    result.then(
      (value) => {
        underWay.delete(key)
        if (!isGood(value)) return
        landed.set(key, { value, until: performance.now() + rememberFor })
        forget()
      },
      () => underWay.delete(key),
    )
    return result
  }
}
