/**
 * What the errors of AWS KMS and of its SDK mean, by their names.
 *
 * The SDK has tried again already what may pass, so nothing here asks for it.
 *
 * @see https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html#API_Sign_Errors
 * @see https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html
 *
 * @module
 */

import type { Failure } from '../store/key-store.ts'

const throttled: Failure = {
  reason: 'throttled',
  remedy: 'ask AWS for a higher quota of cryptographic operations in this account and region',
}
const unavailable: Failure = { reason: 'unavailable' }
const timeout: Failure = { reason: 'timeout' }
const denied: Failure = {
  reason: 'denied',
  remedy:
    'allow this process kms:GetPublicKey and kms:Sign, and of several names kms:DescribeKey too, on ' +
    'the key itself, not on the alias, in its IAM policy or in the key policy',
}
const rejected: Failure = {
  reason: 'credentials',
  remedy: 'AWS knows no such access key, session or signature: check the credentials and their end',
}
const missing: Failure = {
  reason: 'credentials',
  remedy:
    "the SDK's credential chain gave none: it looks at the environment (AWS_ACCESS_KEY_ID and others), " +
    'at SSO, at the shared files, at the web identity token, and at the container or the instance',
}
const noRole: Failure = {
  reason: 'credentials',
  remedy:
    'the role cannot be assumed: check its trust policy, and the token that it is assumed with',
}
const unsupported: Failure = { reason: 'unsupported-algorithm' }

/** What helps where the state of a key allows no use. */
export const disabledRemedy: string =
  'its state allows no use: it may be disabled, or wait to be deleted or imported, or its key store ' +
  'may be disconnected; enable it, or point the alias at another key'

const failures: Readonly<Record<string, Failure>> = {
  ThrottlingException: throttled,
  Throttling: throttled,
  TooManyRequestsException: throttled,
  LimitExceededException: throttled,
  KMSInternalException: unavailable,
  KeyUnavailableException: unavailable,
  DependencyTimeoutException: unavailable,
  InternalFailure: unavailable,
  ServiceUnavailable: unavailable,
  ServiceUnavailableException: unavailable,
  TimeoutError: timeout,
  AbortError: timeout,
  RequestTimeout: timeout,
  AccessDeniedException: denied,
  NotAuthorized: denied,
  UnrecognizedClientException: rejected,
  InvalidClientTokenId: rejected,
  InvalidSignatureException: rejected,
  SignatureDoesNotMatch: rejected,
  IncompleteSignature: rejected,
  MissingAuthenticationToken: rejected,
  MissingAuthenticationTokenException: rejected,
  ExpiredToken: rejected,
  ExpiredTokenException: rejected,
  RequestExpired: rejected,
  OptInRequired: rejected,
  CredentialsProviderError: missing,
  TokenProviderError: missing,
  ProviderError: missing,
  // KMS says `AccessDeniedException`; this one is of STS
  AccessDenied: noRole,
  InvalidIdentityToken: noRole,
  InvalidIdentityTokenException: noRole,
  IDPCommunicationError: noRole,
  IDPRejectedClaim: noRole,
  NotFoundException: {
    reason: 'not-found',
    remedy: 'check its name ("alias/..." of an alias), and the account and region that it is in',
  },
  InvalidArnException: { reason: 'not-found', remedy: 'check its ARN' },
  DisabledException: {
    reason: 'disabled',
    remedy: 'enable it, or point the alias at another key',
  },
  KMSInvalidStateException: { reason: 'disabled', remedy: disabledRemedy },
  InvalidKeyUsageException: unsupported,
  ValidationException: {
    reason: 'unsupported-algorithm',
    remedy: 'check the name of the key, and "alg"',
  },
  UnsupportedOperationException: {
    reason: 'unsupported-algorithm',
    remedy: 'take an asymmetric key with the usage SIGN_VERIFY',
  },
}

/** A network error of Node.js, or a certificate that is not trusted. */
const networkCode = /^E[A-Z]+(?:_[A-Z]+)*$|CERT/

/** Says what an error means; `undefined` when it is neither of AWS KMS nor of the way to it. */
export function readAwsFailure(error: unknown): Failure | undefined {
  if (!(error instanceof Error)) return undefined
  const named = Object.hasOwn(failures, error.name) ? failures[error.name] : undefined
  if (named) return named
  if (error.message === 'Region is missing') {
    return {
      reason: 'unavailable',
      remedy: 'no region is configured: set AWS_REGION or "region", or name the key by its ARN',
    }
  }
  const code = 'code' in error ? String(error.code) : ''
  if (code === 'ETIMEDOUT') return timeout
  const isOfServer = '$fault' in error && error.$fault === 'server'
  return isOfServer || networkCode.test(code) ? unavailable : undefined
}

/**
 * Shortens the message of an error. With a signature that does not match, AWS may repeat all that was to
 * be signed, the session token with it.
 */
export function shortenMessage(error: unknown): unknown {
  if (!(error instanceof Error) || !error.message.includes('\n')) return error
  const short = new Error(error.message.slice(0, error.message.indexOf('\n')))
  short.name = error.name
  return 'code' in error ? Object.assign(short, { code: error.code }) : short
}
