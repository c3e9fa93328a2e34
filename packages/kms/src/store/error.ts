/**
 * What a key store's failure is called here: one error, with the reason and what to do about it.
 *
 * @module
 */

import { KeyError, type KeyErrorReason } from '@countersign/core/keys'
import type { Failure } from './key-store.ts'

/** What each reason says of a key, and what helps unless the store knows better. */
const texts: Readonly<Record<KeyErrorReason, readonly [fault: string, remedy: string]>> = {
  throttled: ['is asked for more often than its quota allows', 'ask for a higher one'],
  unavailable: ['cannot be asked for', 'check that the key store is up, and the network to it'],
  timeout: ['did not answer in time', 'check that the key store is up, and the network to it'],
  denied: [
    'may not be used',
    'grant this process the permission to sign and to read the public key',
  ],
  credentials: ['was asked for with no valid credentials', 'check those of this process'],
  'not-found': ['does not exist', 'check its name, and the account and region that it is in'],
  disabled: ['is disabled', 'enable it, or name another key'],
  'unsupported-algorithm': [
    'cannot sign with the algorithm',
    'set another "alg", or take another key',
  ],
  'bad-signature': ['signed with something else', 'name the version of the key'],
}

/** Builds the error of a failure. */
export function buildStoreError({
  code,
  name,
  failure,
  kid,
  cause,
}: {
  readonly code: 'ERR_KEY_UNAVAILABLE' | 'ERR_SIGN'
  readonly name: string
  readonly failure: Failure | undefined
  readonly kid?: string | undefined
  readonly cause: unknown
}): KeyError {
  const { reason, remedy } = failure ?? {}
  const [fault, usualRemedy] = reason ? texts[reason] : ['failed', 'see the cause']
  const options = { kid, reason, cause: buildCause(cause) }
  return new KeyError(code, `${name} ${fault}: ${remedy ?? usualRemedy}`, options)
}

const maxMessage = 500
const maxCauses = 5

/**
 * What is passed on of a vendor's error: its name, code and message. The error itself may hold requests
 * with their tokens, which a logger that follows `cause` would print.
 */
function buildCause(error: unknown, depth = 1): Error | undefined {
  if (!(error instanceof Error) || depth > maxCauses) return undefined
  const inner = buildCause(error.cause, depth + 1)
  const cause = new Error(error.message.slice(0, maxMessage), inner && { cause: inner })
  cause.name = error.name
  cause.stack = `${cause.name}: ${cause.message}`
  return 'code' in error ? Object.assign(cause, { code: error.code }) : cause
}
