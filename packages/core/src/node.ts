/**
 * The seam on Node's own HTTP: what adapters of Node frameworks share. The only file that knows
 * `node:http`.
 *
 * @module
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { SessionError, TransactionError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import type { OidcResponse } from './http/responses.ts'

/** A request of Node's, as far as it is used; `body` is what a body parser before us has left. */
export interface NodeRequest extends IncomingMessage {
  readonly body?: unknown
}

/** Bytes that a form of ours may have: tokens and codes, with room to spare. */
const maxForm = 64 * 1024

/**
 * Creates the exchange of one request.
 *
 * `target` is the request target as the browser sent it: frameworks that mount handlers at a path
 * change `request.url`, and keep the original elsewhere.
 */
export function createNodeExchange(
  request: NodeRequest,
  response: ServerResponse,
  target: string,
): Exchange {
  return {
    method: request.method ?? 'GET',
    target,
    header: (name) => readHeader(request, name),
    form: () => readForm(request),
    setCookie(value) {
      if (response.headersSent) {
        throw new SessionError(
          'ERR_RESPONSE_STARTED',
          'a cookie has to be set before the response starts: call this before anything is written',
        )
      }
      response.appendHeader('set-cookie', value)
    },
  }
}

function readHeader(request: NodeRequest, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

/** Writes a response of ours. Cookies are on it already. */
export function writeNodeResponse(
  request: NodeRequest,
  response: ServerResponse,
  { status, headers, body }: OidcResponse,
): void {
  response.statusCode = status
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  if (status !== 204 && status !== 304) {
    response.setHeader('content-length', Buffer.byteLength(body))
  }
  response.end(request.method === 'HEAD' ? undefined : body)
}

async function readForm(request: NodeRequest): Promise<URLSearchParams> {
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase()
  if (type !== 'application/x-www-form-urlencoded') {
    throw new TransactionError(
      'ERR_CONTENT_TYPE',
      `a form must be "application/x-www-form-urlencoded", got "${type ?? 'nothing'}"`,
      { reason: 'invalid' },
    )
  }
  return readParsed(request.body) ?? new URLSearchParams(await readBody(request))
}

/** The form as a body parser has left it; `undefined` where none has read it. */
function readParsed(body: unknown): URLSearchParams | undefined {
  if (typeof body === 'string') return new URLSearchParams(body)
  if (Buffer.isBuffer(body)) return new URLSearchParams(body.toString('utf8'))
  if (body instanceof URLSearchParams) return body
  // Parsers that skip a request leave an empty object; the stream still has what there is
  if (typeof body !== 'object' || body === null || Object.keys(body).length === 0) return undefined
  const form = new URLSearchParams()
  for (const [name, value] of Object.entries(body)) {
    for (const item of [value].flat()) if (typeof item === 'string') form.append(name, item)
  }
  return form
}

function readBody(request: NodeRequest): Promise<string> {
  // A parser has read it to the end and found nothing
  if (request.readableEnded) return Promise.resolve('')
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= maxForm) chunks.push(chunk)
      // What is too much is read and thrown away, so that the answer can still be heard
      else if (size > maxForm * 16) request.destroy()
    })
    request.on('end', () => {
      if (size > maxForm) reject(tooLarge())
      else resolve(Buffer.concat(chunks).toString('utf8'))
    })
    request.on('close', () => reject(tooLarge()))
    request.on('error', () => reject(tooLarge()))
  })
}

function tooLarge(): TransactionError {
  return new TransactionError('ERR_BODY_TOO_LARGE', `a form of more than ${maxForm / 1024} kB`, {
    reason: 'invalid',
  })
}
