/**
 * The errors of Google's services, by their names.
 *
 * @see https://cloud.google.com/apis/design/errors
 *
 * @module
 */

/** The numbers of gRPC and of HTTP. */
export const statuses = {
  INVALID_ARGUMENT: { grpc: 3, http: 400 },
  NOT_FOUND: { grpc: 5, http: 404 },
  PERMISSION_DENIED: { grpc: 7, http: 403 },
  RESOURCE_EXHAUSTED: { grpc: 8, http: 429 },
  FAILED_PRECONDITION: { grpc: 9, http: 400 },
  UNIMPLEMENTED: { grpc: 12, http: 501 },
  INTERNAL: { grpc: 13, http: 500 },
  UNAVAILABLE: { grpc: 14, http: 503 },
  UNAUTHENTICATED: { grpc: 16, http: 401 },
} as const

/** What a call fails with. */
export class RpcFault extends Error {
  readonly status: keyof typeof statuses

  constructor(status: keyof typeof statuses, message: string) {
    super(message)
    this.name = 'RpcFault'
    this.status = status
  }
}
