/**
 * One request as a browser sends it: which headers, which cookies, which site.
 *
 * @module
 */

import { type Agent, type IncomingHttpHeaders, request } from 'node:http'
import { getPublicSuffix } from 'tough-cookie'

/** One answer, as it came. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly setCookies: readonly string[]
  readonly text: string
  /** Where a redirect leads. */
  readonly location: string | undefined
}

/** One request, and what happens after its answer. */
export interface Sending {
  readonly method: string
  readonly body?: string | undefined
  readonly contentType?: string | undefined
  readonly mode: 'navigate' | 'cors'
  readonly destination: 'document' | 'iframe' | 'empty'
  /** The origin that began this. `undefined`: the address bar. */
  readonly initiator: string | undefined
  readonly headers: { readonly [name: string]: string }
  readonly follow: number
  readonly autoSubmit: boolean
}

const acceptNavigation =
  'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8'
const chrome =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36'

/** The origin of a URL. */
export function originOf(url: string): string {
  return new URL(url).origin
}

/**
 * The value of `Sec-Fetch-Site`: the worst relation between the initiator and any URL of the chain.
 *
 * @see Fetch Metadata Request Headers, 2.3
 */
export function siteOf(initiator: string | undefined, chain: readonly string[]): string {
  if (initiator === undefined) return 'none'
  const relations: readonly string[] = chain.map((url) => {
    if (originOf(url) === initiator) return 'same-origin'
    return siteName(url) === siteName(initiator) ? 'same-site' : 'cross-site'
  })
  return ['cross-site', 'same-site'].find((name) => relations.includes(name)) ?? 'same-origin'
}

/** Scheme and registrable domain; the port is no part of a site. */
function siteName(url: string): string {
  const { protocol, hostname } = new URL(url)
  return `${protocol}//${getPublicSuffix(hostname, { ignoreError: true }) ?? hostname}`
}

/** Which SameSite cookies go along. A cross-site hop on the way counts, as RFC 6265bis has it. */
export function cookieContext(sending: Sending, site: string): 'strict' | 'lax' | 'none' {
  if (site !== 'cross-site') return 'strict'
  const isTopLevel = sending.mode === 'navigate' && sending.destination === 'document'
  return isTopLevel && sending.method === 'GET' ? 'lax' : 'none'
}

/** The headers that the browser sends. */
export function buildHeaders(sending: Sending, site: string): Record<string, string> {
  const isNavigation = sending.mode === 'navigate'
  const headers: Record<string, string> = {
    'user-agent': chrome,
    accept: isNavigation ? acceptNavigation : '*/*',
    'accept-language': 'en-GB,en;q=0.9',
    'sec-fetch-site': site,
    'sec-fetch-mode': sending.mode,
    'sec-fetch-dest': sending.destination,
    ...(isNavigation ? { 'upgrade-insecure-requests': '1' } : {}),
    ...(sending.contentType === undefined ? {} : { 'content-type': sending.contentType }),
  }
  const sendsOrigin = sending.method !== 'GET' || (!isNavigation && site !== 'same-origin')
  if (sendsOrigin && sending.initiator !== undefined) headers['origin'] = sending.initiator
  for (const [name, value] of Object.entries(sending.headers)) headers[name.toLowerCase()] = value
  for (const [name, value] of Object.entries(headers)) if (value === '') delete headers[name]
  return headers
}

/** Sends one request and reads its whole answer. */
export async function roundTrip(
  agent: Agent,
  target: URL,
  sending: Sending & { readonly requestHeaders: Readonly<Record<string, string>> },
): Promise<Answer> {
  const { method, body, requestHeaders } = sending
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const headers = { ...requestHeaders, ...length }
    const outgoing = request(target, { agent, method, headers }, (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('error', reject)
      incoming.on('end', () => {
        const status = incoming.statusCode ?? 0
        const isRedirect = status >= 300 && status < 400
        resolve({
          status,
          headers: incoming.headers,
          setCookies: incoming.headers['set-cookie'] ?? [],
          text: Buffer.concat(chunks).toString(),
          location: isRedirect ? incoming.headers.location : undefined,
        })
      })
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

/** Reads the form of a page whose script submits it, such as a form_post response. */
export function readSelfSubmittingForm(
  text: string,
): { readonly action: string; readonly fields: Record<string, string> } | undefined {
  if (!/\.submit\(\)/.test(text)) return undefined
  const form = /<form\b[^>]*>/i.exec(text)?.[0]
  const action = form && attribute(form, 'action')
  if (form === undefined || action === undefined) return undefined
  if (attribute(form, 'method')?.toLowerCase() !== 'post') return undefined
  const fields: Record<string, string> = {}
  for (const [input] of text.matchAll(/<input\b[^>]*>/gi)) {
    const name = attribute(input, 'name')
    if (name !== undefined) fields[name] = attribute(input, 'value') ?? ''
  }
  return { action, fields }
}

function attribute(tag: string, name: string): string | undefined {
  const match = new RegExp(`\\s${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)')`, 'i').exec(tag)
  return (match?.[1] ?? match?.[2])
    ?.replace(/&quot;/g, '"')
    .replace(/&#0?39;/g, "'")
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&')
}
