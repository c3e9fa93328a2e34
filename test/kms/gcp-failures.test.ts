import { type GoogleKmsClient, googleKms } from '@countersign/kms/gcp'
import { describe, expect, test } from 'vitest'
import { findError } from '../support/key-error.ts'

const name = 'projects/p/locations/l/keyRings/r/cryptoKeys/k'
const plugin = 'Getting metadata from plugin failed with error'

describe('an error of the client', () => {
  test.each([
    ['throttled', buildError(8, '8 RESOURCE_EXHAUSTED: Quota exceeded')],
    ['throttled', buildError(429, 'Too Many Requests')],
    ['unavailable', buildError(14, '14 UNAVAILABLE: No connection established')],
    ['unavailable', buildError(13, '13 INTERNAL: Internal error encountered.')],
    ['unavailable', buildError(500, 'Internal Server Error')],
    ['unavailable', buildError(502, 'Bad Gateway')],
    // Of a proxy: over REST, and what gRPC makes of it
    ['unavailable', buildError(404, '404 page not found')],
    ['unavailable', buildError(12, '12 UNIMPLEMENTED: Received HTTP status code 404')],
    ['unavailable', buildError('ENOTFOUND', 'request failed')],
    ['unavailable', buildError('ECONNRESET', 'socket hang up')],
    // The token could not be asked for
    ['unavailable', buildError(2, `2 UNKNOWN: ${plugin}: getaddrinfo ENOTFOUND oauth2`)],
  ] as const)('that means %s is met with another attempt: %s', async (reason, error) => {
    const { client, countCalls } = createClient(error)
    expect(await findError(googleKms({ name, client }).keys())).toMatchObject({ reason })
    expect(countCalls()).toBe(3)
  })

  test.each([
    ['timeout', buildError(4, '4 DEADLINE_EXCEEDED: Deadline exceeded')],
    ['timeout', buildError(504, 'Gateway Timeout')],
    ['denied', buildError(7, '7 PERMISSION_DENIED: Permission denied')],
    ['denied', buildError(403, 'Forbidden')],
    ['credentials', buildError(16, '16 UNAUTHENTICATED: Request had invalid credentials')],
    ['credentials', buildError(401, 'Unauthorized')],
    ['credentials', buildError(13, `13 INTERNAL: ${plugin}: invalid_grant`)],
    ['credentials', buildError(400, 'invalid_grant')],
    ['credentials', buildError(undefined, 'Could not load the default credentials.')],
    ['not-found', buildError(5, '5 NOT_FOUND: CryptoKey not found.')],
    ['credentials', buildError(404, 'no token for the Compute Engine built-in service account')],
    ['not-found', buildError(404, '{ "error": { "status": "NOT_FOUND" } }')],
    ['disabled', buildError(9, '9 FAILED_PRECONDITION: k is not enabled')],
    ['disabled', buildError(400, '{ "error": { "status": "FAILED_PRECONDITION" } }')],
    ['unsupported-algorithm', buildError(9, '9 FAILED_PRECONDITION: of another purpose')],
    ['unsupported-algorithm', buildError(3, '3 INVALID_ARGUMENT: the digest is not SHA-256')],
    ['unsupported-algorithm', buildError(400, '{ "error": { "status": "INVALID_ARGUMENT" } }')],
    [undefined, buildError('CERT_HAS_EXPIRED', 'certificate has expired')],
    [undefined, buildError(undefined, 'a fault of its own')],
  ] as const)('that means %s is told at once: %s', async (reason, error) => {
    const { client, countCalls } = createClient(error)
    expect(await findError(googleKms({ name, client }).keys())).toMatchObject({ reason })
    expect(countCalls()).toBe(1)
  })
})

function buildError(code: number | string | undefined, message: string): Error {
  return Object.assign(new Error(message), code === undefined ? {} : { code })
}

/** A client of the caller that fails at every call. */
function createClient(error: Error): { client: GoogleKmsClient; countCalls(): number } {
  let calls = 0
  const client: GoogleKmsClient = {
    initialize: async () => ({}),
    innerApiCalls: {
      listCryptoKeyVersions: () => {
        calls += 1
        return Promise.reject(error)
      },
    },
    close: async () => {},
  }
  return { client, countCalls: () => calls }
}
