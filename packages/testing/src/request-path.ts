/**
 * The path that a request is for, read as oidc-provider reads it: what is checked at an endpoint must not
 * be got around by another spelling of its path.
 *
 * @module
 */

import { endpointPaths } from './endpoint-paths.ts'

/** What a request is for. */
export interface RequestTarget {
  readonly pathname: string
  readonly query: URLSearchParams
  /** With its question mark, or nothing. */
  readonly search: string
}

/** Reads a request target; `undefined` for what is not a path with a query. @see RFC 9112, 3.2.1 */
export function readTarget(target = '/'): RequestTarget | undefined {
  const [, pathname, search = ''] = /^(\/[^?]*)(\?.*)?$/.exec(target) ?? []
  // Readers of URLs differ in what they make of other characters
  if (pathname === undefined || !/^[\x21-\x22\x24-\x7e]*$/.test(target)) return undefined
  return { pathname, search, query: new URLSearchParams(search) }
}

const paths: readonly string[] = Object.values(endpointPaths)

/** Whether a path is that of an endpoint, but for capitals or slashes, which oidc-provider lets pass. */
export function isMisspelt(pathname: string): boolean {
  const plain = pathname.toLowerCase().replace(/\/+$/, '')
  return plain !== pathname && paths.includes(plain)
}
