/**
 * What has happened last: a demo may run for weeks, and nobody looks at what it saw in the first one.
 *
 * @module
 */

const limit = 10_000

/** Adds to a list, which forgets what is older than the last 10,000. */
export function addRecent<T>(list: T[], item: T): void {
  list.push(item)
  if (list.length > limit) list.shift()
}
