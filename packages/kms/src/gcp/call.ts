/**
 * One call of Google's client that ends when it is told to.
 *
 * The client's own methods will not do. They hide the means to cancel a call, without which one over
 * REST has no end while the service hangs, and when there are no credentials they leave behind a
 * rejection that nobody can catch, which ends the process. What they call in turn is public, too.
 *
 * @module
 */

import type { KeyManagementServiceClient } from '@google-cloud/kms'
import { deadline } from '../store/call.ts'

/** What is used of Google's client. */
export type GoogleKmsClient = Pick<
  KeyManagementServiceClient,
  'initialize' | 'innerApiCalls' | 'close'
>

/** A call by its name in the client. */
export interface KmsCall {
  readonly method: 'listCryptoKeyVersions' | 'getPublicKey' | 'asymmetricSign'
  readonly request: Readonly<Record<string, unknown>>
  /** The field of the request that says which region it is for. */
  readonly route: 'parent' | 'name'
  readonly signal: AbortSignal
}

/** The message that the service returned, nothing of which is checked. */
export type Answer = Readonly<Record<string, unknown>>

/** Calls the service once. The client is to repeat nothing: it does so over one transport only. */
export async function callKms(
  client: GoogleKmsClient,
  { method, request, route, signal }: KmsCall,
): Promise<Answer> {
  // While it waited for its turn, or for credentials
  signal.throwIfAborted()
  const calling: unknown = client.innerApiCalls[method]?.(request, {
    timeout: deadline,
    retry: null,
    autoPaginate: false,
    otherArgs: {
      headers: {
        'x-goog-request-params': `${new URLSearchParams({ [route]: String(request[route]) })}`,
      },
    },
  })
  const cancel = () => cancelCall(calling)
  signal.addEventListener('abort', cancel, { once: true })
  try {
    const results: unknown = await calling
    // Of a list the first is its items, and the third the message that they are of
    const [message, , page]: readonly unknown[] = Array.isArray(results) ? results : []
    const answer = page ?? message
    if (isAnswer(answer)) return answer
    throw new TypeError(`${method} of the client returned no message`)
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}

function cancelCall(calling: unknown): void {
  try {
    if (isAnswer(calling) && typeof calling['cancel'] === 'function') calling['cancel']()
  } catch {
    // It has ended meanwhile, or never began
  }
}

/** Whether this is an object with named members, and not a list. */
export function isAnswer(value: unknown): value is Answer {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
