/**
 * The digest that key stores are sent.
 *
 * @module
 */

import { createHash } from 'node:crypto'

/** SHA-256. */
export function hash(data) {
  return createHash('sha256').update(data).digest()
}
