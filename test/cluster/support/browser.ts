/**
 * A browser for thousands: it keeps cookies by origin, and follows nothing by itself.
 *
 * @module
 */

import { Agent, request } from 'node:http'

/** One answer; status 0 where there was none. */
export interface Answer {
  readonly status: number
  readonly location: string | undefined
  readonly body: string
}

/** A browser without a session anywhere, at first. */
export interface Browser {
  /** A navigation, with this browser's cookies. */
  open(url: string, method?: 'GET' | 'POST'): Promise<Answer>
  /** The `Cookie` header that the origin of this URL gets. */
  cookies(url: string): string
}

const agent = new Agent({ keepAlive: true, timeout: 2000 })
const timeout = 20_000

/** Creates one. All share their connections. */
export function createBrowser(): Browser {
  const jars = new Map<string, Map<string, string>>()

  function jarOf(url: string): Map<string, string> {
    const { origin } = new URL(url)
    const jar = jars.get(origin) ?? new Map<string, string>()
    jars.set(origin, jar)
    return jar
  }

  function cookies(url: string): string {
    return [...jarOf(url)].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  return {
    cookies,
    open: (url, method = 'GET') =>
      send(url, { method, cookie: cookies(url) }, (lines) => keepCookies(jarOf(url), lines)),
  }
}

/** Sends a request with a `Cookie` header from somewhere. */
export function askWith(cookie: string, url: string): Promise<Answer> {
  return send(url, { method: 'GET', cookie }, () => {})
}

function send(
  url: string,
  { method, cookie }: { readonly method: string; readonly cookie: string },
  keep: (setCookies: readonly string[]) => void,
): Promise<Answer> {
  const headers = {
    accept: 'text/html',
    'sec-fetch-dest': 'document',
    'sec-fetch-mode': 'navigate',
    'sec-fetch-site': 'same-origin',
    ...(cookie !== '' && { cookie }),
  }
  return new Promise((resolve) => {
    const fail = () => resolve({ status: 0, location: undefined, body: '' })
    const outgoing = request(url, { agent, method, headers, timeout }, (message) => {
      const { statusCode: status = 0, headers } = message
      let body = ''
      message.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk
      })
      message.once('error', fail)
      message.once('end', () => {
        keep(headers['set-cookie'] ?? [])
        const location = headers.location && new URL(headers.location, url).href
        resolve({ status, location, body })
      })
    })
    outgoing.once('timeout', () => outgoing.destroy())
    outgoing.once('error', fail)
    outgoing.end()
  })
}

function keepCookies(jar: Map<string, string>, setCookies: readonly string[]): void {
  for (const line of setCookies) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
    const [, expires = ''] = /;\s*expires=([^;]+)/i.exec(line) ?? []
    if (/;\s*max-age=0\b/i.test(line) || Date.parse(expires) <= Date.now()) jar.delete(name)
    else jar.set(name, value)
  }
}
