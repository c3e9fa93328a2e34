/**
 * Whether an app runs on the machine of somebody who develops it.
 *
 * @module
 */

import { isLoopback } from '../base/url.ts'

/**
 * Whether pages may show what only developers are to see: at an address that nobody else can reach, and
 * where `NODE_ENV` does not say otherwise.
 */
export function isDevelopment({ origin }: { readonly origin: string }): boolean {
  return isLoopback(new URL(origin)) && process.env['NODE_ENV'] !== 'production'
}
