/**
 * A look at a URL, as a browser or a provider would take it: one request that follows no redirect and
 * ends in time.
 *
 * @module
 */

import http, { type IncomingHttpHeaders } from 'node:http'
import https from 'node:https'
import tls from 'node:tls'

/** What answered. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** How a URL is looked at. */
export interface VisitOptions {
  readonly headers?: Readonly<Record<string, string>>
  /** How long the whole of it may take. */
  readonly milliseconds: number
}

const maxBody = 256 * 1024

/** Asks for a URL. Fails with an error that has a `code`. */
export function visit(url: string, { headers, milliseconds }: VisitOptions): Promise<Answer> {
  const { request } = url.startsWith('https:') ? https : http
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      agent: false,
      ...(headers && { headers }),
      signal: AbortSignal.timeout(milliseconds),
    })
    const fail = (error: Error) => {
      outgoing.destroy()
      reject(error.name === 'AbortError' ? buildTimeout(milliseconds) : error)
    }
    outgoing.on('error', fail)
    outgoing.on('response', (message) => {
      const chunks: Buffer[] = []
      let size = 0
      message.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > maxBody) return fail(new Error(`it sends more than ${maxBody / 1024} kB`))
        chunks.push(chunk)
      })
      message.on('error', fail)
      message.on('end', () => {
        const { statusCode: status = 0, headers } = message
        resolve({ status, headers, body: Buffer.concat(chunks).toString() })
      })
    })
    outgoing.end()
  })
}

/** Whether TLS is spoken at an address. Certificates are not looked at. */
export function isTlsSpoken({ hostname, port }: URL, milliseconds: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = tls.connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port || 443),
      // Nothing is sent: whether this is TLS at all is the question
      rejectUnauthorized: false,
    })
    const end = (answer: boolean) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answer)
    }
    // Of the whole of it: who sends a byte now and then is not idle
    const timer = setTimeout(() => end(false), milliseconds)
    socket.on('error', () => end(false))
    socket.on('secureConnect', () => end(true))
  })
}

function buildTimeout(milliseconds: number): Error {
  const error = new Error(`it did not answer within ${milliseconds / 1000} s`)
  return Object.assign(error, { code: 'ETIMEDOUT' })
}
