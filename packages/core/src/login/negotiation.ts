/**
 * Who can be sent to the provider: a person's browser that opens a page. Everybody else (a script, an
 * image, an API client) would follow a redirect to nowhere and gets a 401 that says where to sign in.
 *
 * @module
 */

import type { Exchange } from '../exchange.ts'

/** Whether the request opens a page in a browser, as far as it says so itself. @see Fetch Metadata */
export function isNavigation(exchange: Exchange): boolean {
  if (!isSafe(exchange.method)) return false
  return readFetchMetadata(exchange) ?? prefersHtml(exchange.header('accept'))
}

/**
 * Whether a request to the login route itself opens a page. There, a client that says nothing of itself
 * is believed to mean what it asks for.
 */
export function isLoginNavigation(exchange: Exchange): boolean {
  if (!isSafe(exchange.method)) return false
  const accept = exchange.header('accept')
  return (
    readFetchMetadata(exchange) ??
    (accept === undefined || accept.includes('*/*') || prefersHtml(accept))
  )
}

/** Whether the browser loads ahead what nobody has asked for yet. */
export function isPrefetch(exchange: Exchange): boolean {
  const purpose = exchange.header('sec-purpose') ?? exchange.header('purpose')
  return purpose !== undefined && /prefetch|prerender|preview/i.test(purpose)
}

/** Whether an answer should be a page rather than JSON. */
export function prefersHtml(accept: string | undefined): boolean {
  if (accept === undefined) return false
  const html = quality(accept, 'text/html')
  return html > 0 && html >= quality(accept, 'application/json')
}

function isSafe(method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}

function readFetchMetadata(exchange: Exchange): boolean | undefined {
  const mode = exchange.header('sec-fetch-mode')
  if (mode === undefined) return undefined
  const destination = exchange.header('sec-fetch-dest') ?? 'document'
  return mode === 'navigate' && ['document', 'iframe', 'frame'].includes(destination)
}

/** The weight of a media type that is named itself: a wildcard prefers nothing. @see RFC 9110, 12.5.1 */
function quality(accept: string, type: string): number {
  for (const range of accept.split(',')) {
    const [name = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    if (name !== type) continue
    const weight = parameters.find((parameter) => parameter.startsWith('q='))
    return weight === undefined ? 1 : Number(weight.slice(2)) || 0
  }
  return 0
}
