/**
 * The one place that knows what time it is.
 *
 * @module
 */

/** Tells the time as a NumericDate: whole seconds since 1970-01-01T00:00:00Z. @see RFC 7519, 2 */
export interface Clock {
  now(): number
}

/** The machine's clock. */
export const systemClock: Clock = { now: () => Math.floor(Date.now() / 1000) }
