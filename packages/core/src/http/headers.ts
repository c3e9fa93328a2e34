/**
 * Request headers, as Node has them.
 *
 * @module
 */

/** Headers by lower-case name. */
export type NodeHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

/** One header; given several times, its values are joined. @see RFC 9110, 5.2 */
export function readHeader(headers: NodeHeaders, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'object' ? value.join(', ') : value
}
