/**
 * For how long a key store asks to be left alone.
 *
 * @module
 */

/**
 * Reads the header `Retry-After`, which has seconds or a date. Milliseconds; 0 where it says nothing.
 *
 * @see RFC 9110, 10.2.3
 */
export function readRetryAfter(value: string | null | undefined): number {
  const text = value ?? ''
  const wait = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now()
  return Math.max(wait, 0) || 0
}
