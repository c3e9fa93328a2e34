/**
 * Memories that are bounded: the newest entries stay.
 *
 * @module
 */

/** Sets an entry as the newest one, and lets go of the oldest where there would be more than `most`. */
export function keepNewest<Key, Value>(
  entries: Map<Key, Value>,
  [key, value]: readonly [key: Key, value: Value],
  most: number,
): void {
  entries.delete(key)
  if (entries.size >= most) {
    for (const oldest of entries.keys()) {
      entries.delete(oldest)
      break
    }
  }
  entries.set(key, value)
}
