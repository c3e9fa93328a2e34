/**
 * The `jti` values that were used, for as long as an assertion with one could be sent again.
 *
 * @module
 */

/** Ids that are good once. */
export interface UsedIds {
  /** Notes an id until `exp` (NumericDate) and a minute. Whether it was new. */
  add(id: string, exp: number): boolean
}

const room = 10_000

/** Creates an empty memory, which forgets what has expired when it has grown large. */
export function createUsedIds(): UsedIds {
  const ids = new Map<string, number>()
  return {
    add(id, exp) {
      const now = Date.now() / 1000
      if (ids.has(id)) return false
      if (ids.size >= room) {
        for (const [known, end] of ids) if (end < now) ids.delete(known)
      }
      ids.set(id, exp + 60)
      return true
    },
  }
}
