/**
 * Telling whether data is still the same.
 *
 * @module
 */

const numbers = new WeakMap<object, number>()
let count = 0

/**
 * A text that is the same for the same data. Functions and objects with a state of their own (keys,
 * clients) are the same only where they are the very same ones.
 */
export function fingerprint(data: unknown): string {
  try {
    return String(
      JSON.stringify(data, (_, value: unknown) =>
        isOpaque(value) ? `#${numberOf(value)}` : value,
      ),
    )
  } catch {
    // What refers to itself is never said to be the same
    return `#${numberOf({})}`
  }
}

function isOpaque(value: unknown): value is object {
  if (typeof value === 'function') return true
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype !== Object.prototype && prototype !== null
}

function numberOf(value: object): number {
  const known = numbers.get(value)
  if (known !== undefined) return known
  count += 1
  numbers.set(value, count)
  return count
}
