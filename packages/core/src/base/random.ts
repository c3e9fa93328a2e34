/**
 * Unguessable values.
 *
 * @module
 */

import { randomBytes } from 'node:crypto'

/**
 * Generates 128 bits as 32 hexadecimal digits: purely alphanumeric, as some providers demand of
 * `state`, and safe in a cookie's name.
 */
export function generateId(): string {
  return randomBytes(16).toString('hex')
}
