/**
 * The responses that the Relying Party itself gives, as plain values for an adapter to write.
 *
 * @module
 */

import type { OidcResponse } from '../exchange.ts'

const noStore = { 'cache-control': 'no-store' } as const

/** 303, so that a POST is never sent on. @see RFC 9700, 4.12 */
export function redirect(location: string): OidcResponse {
  return { status: 303, headers: { ...noStore, location }, body: '' }
}

/** An answer without a body. */
export function empty(status: number): OidcResponse {
  return { status, headers: { ...noStore }, body: '' }
}

/** Problem details. @see RFC 9457, 3 */
export function problem(
  status: number,
  details: Readonly<Record<string, unknown>>,
  headers: Readonly<Record<string, string>> = {},
): OidcResponse {
  return {
    status,
    headers: { ...noStore, 'content-type': 'application/problem+json', ...headers },
    body: JSON.stringify({ status, ...details }),
  }
}
