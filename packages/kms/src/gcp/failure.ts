/**
 * What the errors of Google's client mean. Over gRPC they have the numbers of gRPC, over REST those of
 * HTTP, and the network and the credentials have errors of their own.
 *
 * @see https://cloud.google.com/apis/design/errors
 *
 * @module
 */

import type { KeyErrorReason } from '@countersign/core/keys'
import { type Failure, StoreFault } from '../store/key-store.ts'
import { misfitRemedy } from './algorithms.ts'

const reasons: Readonly<Record<string, KeyErrorReason>> = {
  INVALID_ARGUMENT: 'unsupported-algorithm',
  DEADLINE_EXCEEDED: 'timeout',
  NOT_FOUND: 'not-found',
  PERMISSION_DENIED: 'denied',
  RESOURCE_EXHAUSTED: 'throttled',
  FAILED_PRECONDITION: 'disabled',
  INTERNAL: 'unavailable',
  UNAVAILABLE: 'unavailable',
  UNAUTHENTICATED: 'credentials',
}

/** The numbers of gRPC, and of HTTP where the answer names no status. */
const statuses: Readonly<Record<number, string>> = {
  3: 'INVALID_ARGUMENT',
  4: 'DEADLINE_EXCEEDED',
  5: 'NOT_FOUND',
  7: 'PERMISSION_DENIED',
  8: 'RESOURCE_EXHAUSTED',
  9: 'FAILED_PRECONDITION',
  // What gRPC makes of the 404 of a proxy
  12: 'UNAVAILABLE',
  13: 'INTERNAL',
  14: 'UNAVAILABLE',
  16: 'UNAUTHENTICATED',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  // The service itself names the status
  404: 'UNAVAILABLE',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
}

const remedies: Partial<Record<KeyErrorReason, string>> = {
  denied:
    'grant the service account cloudkms.cryptoKeyVersions.useToSign and .viewPublicKey ' +
    '(roles/cloudkms.signerVerifier), and .list (roles/cloudkms.viewer) unless the version is named',
  credentials:
    'set GOOGLE_APPLICATION_CREDENTIALS, or attach a service account to where this process runs',
  'not-found': 'check the project, the location, the key ring and the key, and the version',
  'unsupported-algorithm': misfitRemedy,
  disabled: 'enable the version, or make a new one',
  throttled: "ask for a higher quota of the project's cryptographic requests",
}

const network =
  /\b(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ERR_STREAM_PREMATURE_CLOSE|socket hang up)\b/

/** What is said of credentials, which are asked for elsewhere and have errors of another kind. */
const credentials =
  /Getting metadata from plugin failed|default credentials|built-in service account|\b(?:invalid_grant|invalid_client|unauthorized_client|invalid_rapt)\b/

/** A key that is for something else than signing is refused as one that is disabled is. */
const otherPurpose = /\bpurpose\b|\balgorithm\b/i

/** Says what an error means; `undefined` when it is none of Google's. */
export function readGoogleFailure(error: unknown): Failure | undefined {
  if (!(error instanceof Error)) return undefined
  const reason = findReason(error)
  if (reason === undefined) return undefined
  const isPassing = reason === 'throttled' || reason === 'unavailable'
  return { reason, remedy: remedies[reason], retryAfter: isPassing ? 0 : undefined }
}

/** Says what an error means that was thrown before anything was asked: while credentials are looked for. */
export function buildCredentialsFault(error: unknown): unknown {
  if (!(error instanceof Error) || readGoogleFailure(error)?.reason === 'unavailable') return error
  // The parser's message would repeat what is in the file
  const message = error instanceof SyntaxError ? 'the credentials are not JSON' : error.message
  return new StoreFault('credentials', message, remedies.credentials)
}

function findReason(error: Error): KeyErrorReason | undefined {
  const { message } = error
  const code = 'code' in error ? error.code : undefined
  if (network.test(`${code} ${message}`)) return 'unavailable'
  if (credentials.test(message)) return 'credentials'
  // Of FAILED_PRECONDITION, too, HTTP says no more than 400
  const [, named = statuses[Number(code)]] = /"status":\s*"([A-Z_]+)"/.exec(message) ?? []
  if (named === 'FAILED_PRECONDITION' && otherPurpose.test(message)) return 'unsupported-algorithm'
  return named === undefined ? undefined : reasons[named]
}
