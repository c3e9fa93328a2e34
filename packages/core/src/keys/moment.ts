/**
 * Moments at which a key begins and ends, as people write them.
 *
 * @module
 */

/** From here on a number is one of milliseconds, by mistake: the year 5138. */
const tooLate = 1e11

const iso = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?$/i

/**
 * Reads a moment: a NumericDate, an ISO 8601 date or a `Date`. `undefined` when it is none, and when it
 * would be another one on another machine: a time without its zone.
 */
export function readMoment(value: unknown): number | undefined {
  const seconds = readSeconds(value)
  return seconds >= 0 && seconds < tooLate ? seconds : undefined
}

function readSeconds(value: unknown): number {
  if (typeof value === 'number') return value
  if (value instanceof Date) return Math.floor(value.getTime() / 1000)
  if (typeof value !== 'string') return Number.NaN
  // As in a URI, where everything is text
  if (/^\d{9,}$/.test(value)) return Number(value)
  return iso.test(value) ? Math.floor(Date.parse(value) / 1000) : Number.NaN
}
