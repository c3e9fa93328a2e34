/**
 * Requests to the provider: `fetch` as openid-client calls it, over node:http(s) with connections kept
 * alive, because the global `fetch` costs more CPU per login than an RSA signature.
 *
 * Every request has a time limit and a size limit, follows no redirect, and fails with an error that
 * names the URL.
 *
 * @module
 */

import http from 'node:http'
import https from 'node:https'
import { createRequire } from 'node:module'
import { ProviderError } from '../errors.ts'

/** What openid-client gives its `customFetch`, and what it wants back. */
export type Fetch = (url: string, init: FetchInit) => Promise<Response>

/** The part of `RequestInit` that openid-client uses. */
export interface FetchInit {
  readonly method: string
  readonly headers: Record<string, string>
  readonly body?:
    | string
    | URLSearchParams
    | Uint8Array
    | ArrayBuffer
    | ReadableStream
    | null
    | undefined
  readonly redirect: 'manual'
  readonly signal?: AbortSignal | undefined
}

/** How requests to the provider are made. */
export interface FetchSettings {
  /** Seconds for one whole request, the response's body included. */
  readonly timeout: number
  readonly userAgent: string
  /** Certificates (PEM) of the authorities to trust instead of the public ones. */
  readonly ca?: string | readonly string[] | undefined
  /** URL of an HTTP proxy that tunnels (`CONNECT`). Needs the package `https-proxy-agent`. */
  readonly proxy?: string | undefined
  /** Replaces node:http(s); the limits still hold. */
  readonly fetch?: typeof globalThis.fetch | undefined
}

const maxBody = 1024 * 1024

/**
 * How long a connection is kept for the next request, unless the provider says less: many servers close
 * theirs after 5 seconds, and a request that is under way then is lost. Milliseconds.
 */
const maxIdle = 4_000

/** Creates the `fetch` for one provider. */
export function createFetch(settings: FetchSettings): Fetch {
  const send = settings.fetch ? sendWith(settings.fetch, settings.timeout) : createSend(settings)
  return async (url, init) => {
    const headers = { ...init.headers, 'user-agent': settings.userAgent }
    try {
      return await send(url, { ...init, headers })
    } catch (error) {
      throw error instanceof ProviderError ? error : unreachable(url, error)
    }
  }
}

/** The user's own `fetch`, held to the same limits. */
function sendWith(fetch: typeof globalThis.fetch, timeout: number): Fetch {
  return async (url, init) => {
    const signal = AbortSignal.timeout(timeout * 1000)
    try {
      const response = await fetch(url, { ...init, signal } as RequestInit)
      const chunks: Uint8Array[] = []
      let size = 0
      for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
        size += chunk.length
        if (size > maxBody) throw tooLarge(url)
        chunks.push(chunk)
      }
      const { status, headers } = response
      return buildResponse(url, { status, headers, body: Buffer.concat(chunks) })
    } catch (error) {
      throw signal.aborted ? timedOut(url, timeout) : error
    }
  }
}

function createSend({ ca, proxy, timeout }: FetchSettings): Fetch {
  const authorities = ca && { ca: [ca].flat() }
  const options = { keepAlive: true, timeout: maxIdle }
  const agents = {
    'http:': new http.Agent(options),
    'https:': proxy ? createProxyAgent(proxy, options) : new https.Agent(options),
  }
  const send: Fetch = async (url, init) => {
    const target = new URL(url)
    const isHttps = target.protocol === 'https:'
    const request = (isHttps ? https : http).request(target, {
      agent: agents[isHttps ? 'https:' : 'http:'],
      method: init.method,
      headers: init.headers,
      // Through a proxy the agent's own options are for the way to the proxy only
      ...(isHttps && authorities),
    })
    try {
      return await exchange(request, { url, init, timeout })
    } catch (error) {
      // A kept-alive connection that the other side closed meanwhile says nothing about the provider.
      // A POST is not repeated here: a repeated request needs a client assertion of its own.
      if (init.method === 'GET' && request.reusedSocket && isReset(error)) return send(url, init)
      throw error
    }
  }
  return send
}

// One timer, and events rather than iteration: this is on the path of every login
function exchange(
  request: http.ClientRequest,
  { url, init, timeout }: { url: string; init: FetchInit; timeout: number },
): Promise<Response> {
  return new Promise<Response>((resolve, reject) => {
    const fail = (error: unknown) => {
      clearTimeout(timer)
      reject(error)
      request.destroy()
    }
    const timer = setTimeout(() => fail(timedOut(url, timeout)), timeout * 1000)
    request.on('error', fail)
    request.on('response', (message) => {
      const chunks: Buffer[] = []
      let size = 0
      message.on('data', (chunk: Buffer) => {
        size += chunk.length
        chunks.push(chunk)
        if (size > maxBody) fail(tooLarge(url))
      })
      message.on('error', fail)
      message.on('end', () => {
        clearTimeout(timer)
        try {
          resolve(readMessage(url, message, Buffer.concat(chunks)))
        } catch (error) {
          reject(error)
        }
      })
    })
    // openid-client sends forms, and nothing else
    request.end(init.body ? String(init.body) : undefined)
  })
}

function readMessage(url: string, message: http.IncomingMessage, body: Buffer): Response {
  const headers = new Headers()
  const { rawHeaders, statusCode: status = 0 } = message
  for (let index = 0; index < rawHeaders.length; index += 2) {
    headers.append(rawHeaders[index] ?? '', rawHeaders[index + 1] ?? '')
  }
  return buildResponse(url, { status, headers, body })
}

const withoutBody = new Set([101, 204, 205, 304])

function buildResponse(
  url: string,
  { status, headers, body }: { status: number; headers: Headers; body: Buffer },
): Response {
  // OIDC endpoints answer where they are asked; a redirect could lead to any host (RFC 9700, 4.12)
  if (status >= 300 && status < 400) {
    throw new ProviderError(
      'ERR_PROVIDER_RESPONSE',
      `${withoutQuery(url)} answered with a redirect (${status}), and redirects are not followed`,
      { endpoint: withoutQuery(url) },
    )
  }
  if (status >= 500) throw failed(url, status)
  return new Response(withoutBody.has(status) ? null : new Uint8Array(body), { status, headers })
}

function createProxyAgent(proxy: string, options: https.AgentOptions): https.Agent {
  const require = createRequire(import.meta.url)
  const { HttpsProxyAgent } = require('https-proxy-agent')
  return new HttpsProxyAgent(proxy, options)
}

/** Whether the optional package that `http.proxy` needs is installed. */
export function hasProxyAgent(): boolean {
  try {
    createRequire(import.meta.url).resolve('https-proxy-agent')
    return true
  } catch {
    return false
  }
}

/** Whether the request may have failed only because its kept-alive connection was closed. */
export function isReset(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ECONNRESET'
}

/** A URL as it may be shown: what was asked, not with what. */
export function withoutQuery(url: string): string {
  return url.split(/[?#]/, 1)[0] ?? ''
}

function timedOut(url: string, seconds: number): ProviderError {
  return new ProviderError(
    'ERR_PROVIDER_TIMEOUT',
    `${withoutQuery(url)} did not answer within ${seconds} s ("http.timeout")`,
    { endpoint: withoutQuery(url) },
  )
}

function unreachable(url: string, cause: unknown): ProviderError {
  const reason = cause instanceof Error ? describe(cause) : 'unknown reason'
  return new ProviderError(
    'ERR_PROVIDER_UNAVAILABLE',
    `${withoutQuery(url)} cannot be reached: ${reason}`,
    { endpoint: withoutQuery(url), cause: copyError(cause) },
  )
}

/** A parser's error holds the bytes it could not read, which may be a token response's. */
function copyError(error: unknown): Error | undefined {
  if (!(error instanceof Error)) return undefined
  const code = 'code' in error ? { code: error.code } : {}
  return Object.assign(new Error(error.message), { name: error.name }, code)
}

const hints: Readonly<Record<string, string>> = {
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'set "http.ca" or NODE_EXTRA_CA_CERTS for a private authority',
  SELF_SIGNED_CERT_IN_CHAIN: 'set "http.ca" or NODE_EXTRA_CA_CERTS for a private authority',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'set "http.ca" or NODE_EXTRA_CA_CERTS for a private authority',
}

/** What OpenSSL calls an answer that is no TLS, such as one of plain http. */
const isPlainHttp =
  /:SSL routines:[^:]*:(?:wrong version number|packet length too long|http request):/

/** `write EPROTO 80CC:error:0A000410:SSL routines:function:reason:file:line:…` */
const opensslLine = /\b[0-9A-F]{1,32}:error:[0-9A-F]{1,8}:[^:]*:[^:]*:([^:]*):.*/

function describe(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  // OpenSSL's lines name its source files, and end with an empty one
  const [said] = error.message.trim().split('\n', 1)
  if (said && isPlainHttp.test(said)) return 'it does not speak TLS: it may be plain http there'
  const text = said?.replace(opensslLine, '$1') || code || error.name
  const hint = code && hints[code]
  return hint ? `${text} (${hint})` : text
}

function failed(url: string, status: number): ProviderError {
  return new ProviderError('ERR_PROVIDER_UNAVAILABLE', `${withoutQuery(url)} answered ${status}`, {
    endpoint: withoutQuery(url),
  })
}

function tooLarge(url: string): ProviderError {
  return new ProviderError(
    'ERR_PROVIDER_RESPONSE',
    `${withoutQuery(url)} answered with more than ${maxBody / 1024} kB`,
    { endpoint: withoutQuery(url) },
  )
}
