/**
 * A form that is posted to us: as a body parser has left it, or read now under a limit.
 *
 * @module
 */

import type { Readable } from 'node:stream'
import { TransactionError } from '../errors.ts'

/** Bytes that a form of ours may have: tokens and codes, with room to spare. */
const maxForm = 64 * 1024
/** Milliseconds that a form may take to arrive. */
const patience = 10_000

/** A request's body. */
export interface FormBody {
  /** The `Content-Type` header. */
  readonly type: string | undefined
  /** What a body parser has left: an object, text, bytes, or a stream that it has only looked at. */
  readonly parsed: unknown
  /** The request itself. */
  readonly stream: Readable
}

/**
 * Reads a form-encoded body.
 *
 * @throws TransactionError `ERR_BODY_TOO_LARGE`, `ERR_CONTENT_TYPE`, `ERR_REQUEST_ABORTED`
 */
export async function readForm({ type, parsed, stream }: FormBody): Promise<URLSearchParams> {
  const essence = type?.split(';', 1)[0]?.trim().toLowerCase()
  if (essence !== 'application/x-www-form-urlencoded') {
    throw new TransactionError(
      'ERR_CONTENT_TYPE',
      `a form must be "application/x-www-form-urlencoded", got "${essence ?? 'nothing'}"`,
      { reason: 'invalid' },
    )
  }
  if (isStream(parsed)) return new URLSearchParams(await readText(parsed))
  return readParsed(parsed) ?? new URLSearchParams(await readText(stream))
}

function isStream(body: unknown): body is Readable {
  // A form may have a field of that name
  return (
    typeof body === 'object' && body !== null && 'pipe' in body && typeof body.pipe === 'function'
  )
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

async function readText(stream: Readable): Promise<string> {
  // A parser has read it to the end and found nothing
  if (stream.readableEnded) return ''
  if (stream.destroyed) throw aborted()
  // Who sends a form byte by byte holds a connection for nothing
  const timer = setTimeout(() => stream.destroy(), patience)
  try {
    return await readChunks(stream)
  } finally {
    clearTimeout(timer)
  }
}

async function readChunks(stream: Readable): Promise<string> {
  return await new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    stream.on('data', (given: Buffer | string) => {
      // Text, where somebody has set an encoding
      const chunk = typeof given === 'string' ? Buffer.from(given) : given
      size += chunk.length
      if (size <= maxForm) chunks.push(chunk)
      // What is too much is read and thrown away, so that the answer can still be heard
      else if (size > maxForm * 16) stream.destroy()
    })
    stream.on('end', () => {
      if (size > maxForm) reject(tooLarge())
      else resolve(Buffer.concat(chunks).toString('utf8'))
    })
    const stop = () => reject(size > maxForm ? tooLarge() : aborted())
    stream.on('close', stop)
    stream.on('error', stop)
    // Somebody may have paused it
    stream.resume()
  })
}

function tooLarge(): TransactionError {
  return new TransactionError('ERR_BODY_TOO_LARGE', `a form of more than ${maxForm / 1024} kB`, {
    reason: 'invalid',
  })
}

function aborted(): TransactionError {
  return new TransactionError('ERR_REQUEST_ABORTED', 'the request broke off before its end', {
    reason: 'invalid',
  })
}
