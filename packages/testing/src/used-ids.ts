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

/**
 * Creates an empty memory. When it is full it forgets what has expired, and where nothing has, the
 * oldest: an assertion may be for ever where a provider sets no limit.
 */
export function createUsedIds(room = 10_000): UsedIds {
  const ids = new Map<string, number>()

  function makeRoom(): void {
    if (ids.size < room) return
    const now = Date.now() / 1000
    for (const [id, end] of ids) if (end < now) ids.delete(id)
    for (const id of ids.keys()) {
      if (ids.size < room) return
      ids.delete(id)
    }
  }

  return {
    add(id, exp) {
      if (ids.has(id)) return false
      makeRoom()
      ids.set(id, exp + 60)
      return true
    },
  }
}
