/**
 * Reads a form ahead of oidc-provider, and hands oidc-provider a request that can still be read.
 *
 * @module
 */

import { IncomingMessage } from 'node:http'

const limit = 64 * 1024

/** Reads the body. Rejects when it is larger than oidc-provider would take. */
export async function readBody(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > limit) throw new RangeError('the request body is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Builds the same request with a form yet to be read, or with another method. */
export function buildReplay(
  req: IncomingMessage,
  form: URLSearchParams,
  method: string = req.method ?? 'POST',
): IncomingMessage {
  const bytes = Buffer.from(form.toString())
  const replay = new IncomingMessage(req.socket)
  replay.method = method
  replay.url = req.url ?? '/'
  if ('originalUrl' in req) Object.assign(replay, { originalUrl: req.originalUrl })
  replay.httpVersion = req.httpVersion
  replay.httpVersionMajor = req.httpVersionMajor
  replay.httpVersionMinor = req.httpVersionMinor
  replay.headers = {
    ...req.headers,
    'content-length': String(bytes.length),
    'content-type': 'application/x-www-form-urlencoded',
  }
  delete replay.headers['transfer-encoding']
  replay.complete = true
  replay.push(bytes)
  replay.push(null)
  return replay
}
