/**
 * A browser for the core's tests: an exchange made by hand, and a jar that keeps what was set on it.
 *
 * @module
 */

import type { Exchange } from '../../src/exchange.ts'

/** A request, and what was done with its response. */
export interface TestExchange extends Exchange {
  /** The `Set-Cookie` values, in the order they were set. */
  readonly set: readonly string[]
  /** How often the `Cookie` header was asked for. */
  readonly cookieReads: number
}

/** What can be said of a request. */
export interface TestRequest {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Whether the head of the response has left already. */
  readonly isStarted?: boolean
}

/** Creates the exchange of one request. */
export function createExchange({
  method = 'GET',
  headers = {},
  isStarted = false,
}: TestRequest = {}): TestExchange {
  const set: string[] = []
  let cookieReads = 0
  return {
    method,
    target: '/',
    set,
    get cookieReads() {
      return cookieReads
    },
    header(name) {
      if (name === 'cookie') cookieReads++
      return headers[name]
    },
    form: () => Promise.resolve(new URLSearchParams()),
    setCookie(value) {
      set.push(value)
    },
    isStarted: () => isStarted,
    send: () => {},
  }
}

/** A browser's cookies, without their attributes and times. */
export interface Jar {
  readonly cookies: ReadonlyMap<string, string>
  /** The next request, with the cookies of the jar. */
  request(request?: TestRequest): TestExchange
  /** Takes over what a response has set and cleared. */
  keep(exchange: TestExchange): void
  put(name: string, value: string): void
}

/** Creates an empty jar. */
export function createJar(): Jar {
  const cookies = new Map<string, string>()
  return {
    cookies,
    request(request = {}) {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      const headers = { ...(cookie !== '' && { cookie }), ...request.headers }
      return createExchange({ ...request, headers })
    },
    keep({ set }) {
      for (const line of set) {
        const { name, value, maxAge } = readSetCookie(line)
        if (maxAge === '0') cookies.delete(name)
        else cookies.set(name, value)
      }
    },
    put: (name, value) => {
      cookies.set(name, value)
    },
  }
}

/** A `Set-Cookie` value, taken apart. */
export function readSetCookie(line: string): {
  readonly name: string
  readonly value: string
  readonly maxAge: string | undefined
} {
  const [pair = '', ...attributes] = line.split('; ')
  const maxAge = attributes.find((attribute) => attribute.startsWith('Max-Age='))
  const split = pair.indexOf('=')
  return {
    name: pair.slice(0, split),
    value: pair.slice(split + 1),
    maxAge: maxAge?.slice('Max-Age='.length),
  }
}
