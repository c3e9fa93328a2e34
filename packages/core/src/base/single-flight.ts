/**
 * Doing something once that several requests ask for at the same moment, or just after one another.
 *
 * @module
 */

/** Does `act` for a key, unless it was done for it lately: then its result is shared. */
export type SingleFlight<Value> = (key: string, act: () => Promise<Value>) => Promise<Value>

/** Milliseconds for which a result is shared with requests that were under way already. */
const rememberFor = 30_000
const maxRemembered = 1000

/** Creates a single flight. A failure is not remembered. */
export function createSingleFlight<Value>(): SingleFlight<Value> {
  const recent = new Map<string, { readonly result: Promise<Value>; readonly until: number }>()

  function forget(): void {
    const now = performance.now()
    for (const [key, { until }] of recent) {
      if (until > now && recent.size < maxRemembered) return
      recent.delete(key)
    }
  }

  return (key, act) => {
    forget()
    const known = recent.get(key)
    if (known) return known.result
    const result = act()
    recent.set(key, { result, until: performance.now() + rememberFor })
    result.catch(() => recent.delete(key))
    return result
  }
}
