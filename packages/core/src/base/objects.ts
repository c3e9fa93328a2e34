/**
 * What may be anything, looked at with care.
 *
 * @module
 */

/** Whether a value is an object with members, and no list. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** An object without the members that are there and `undefined`, which are meant as not there. */
export function dropUndefined<Value extends object>(value: Value): Partial<Value> {
  const entries = Object.entries(value).filter(([, member]) => member !== undefined)
  return Object.fromEntries(entries) as Partial<Value>
}
