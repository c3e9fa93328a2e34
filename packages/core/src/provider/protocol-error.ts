/**
 * The one place where openid-client's errors become ours, called where they are born.
 *
 * @module
 */

import {
  AuthorizationResponseError,
  ClientError,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
} from 'openid-client'
import type { ErrorCode } from '../error-texts.ts'
import {
  AuthenticationResponseError,
  type ClientRefusal,
  OidcError,
  ProviderError,
  TokenValidationError,
} from '../errors.ts'
import { removeSecrets } from './sent-secrets.ts'

/** The request that failed. */
export interface ProtocolRequest {
  /** What an error of this request is called that no more precise code fits. */
  readonly code: ErrorCode
  readonly endpoint: string | undefined
  readonly tokenKind?: TokenValidationError['tokenKind']
}

/** Returns what openid-client threw as an error of ours. */
export function readProtocolError(error: unknown, request: ProtocolRequest): OidcError {
  const ours = findOurs(error)
  if (ours) return ours
  const { code, endpoint, tokenKind = 'id_token' } = request
  if (error instanceof ResponseBodyError) {
    const words = {
      error: readText(error.error),
      error_description: readText(error.error_description),
    }
    const message = `${endpoint} answered "${words.error}"${describe(words.error_description)}`
    return new ProviderError(code, message, { endpoint, ...words })
  }
  if (error instanceof AuthorizationResponseError) {
    return buildAuthenticationResponseError(error.cause)
  }
  if (error instanceof WWWAuthenticateChallengeError) {
    const challenge = error.cause[0]?.parameters
    return new ProviderError(code, `${endpoint} refused the request (${error.status})`, {
      endpoint,
      error: readText(challenge?.error),
      error_description: readText(challenge?.error_description),
    })
  }
  if (error instanceof ClientError) return readClientError(error, { code, endpoint, tokenKind })
  return new ProviderError(code, `${endpoint} answered with something unexpected`, {
    endpoint,
    cause: strip(error),
  })
}

/**
 * Builds the error of a request whose client was refused. `secrets` are what the request carried: a
 * provider that repeats them is not repeated.
 */
export function buildRefusal(
  refusal: ClientRefusal,
  {
    code,
    endpoint,
    secrets,
    ...said
  }: {
    readonly code: ErrorCode
    readonly endpoint: string
    readonly error: string | undefined
    readonly description: string | undefined
    readonly secrets: readonly string[]
  },
): ProviderError {
  const error = readText(said.error && removeSecrets(said.error, secrets))
  const description = said.description && removeSecrets(said.description, secrets)
  const error_description = readText(description, readNames(refusal.header))
  const answer = describeRefusal({ endpoint, error, error_description })
  const [likeliest] = refusal.causes
  const message = likeliest
    ? `${answer}. Most likely ${likeliest.message}; ${likeliest.fix}`
    : answer
  return new ProviderError(code, message, { endpoint, error, error_description, refusal })
}

/** How our key is called, which is no secret, and what the provider may say that it does not find. */
function readNames(header: ClientRefusal['header'] = {}): readonly unknown[] {
  return [header['kid'], header['x5t#S256'], header['x5t']]
}

/** What a provider said that refused the client: without an `error` it was a 401 and nothing else. */
export function describeRefusal({
  endpoint,
  error,
  error_description,
}: Pick<ProviderError, 'endpoint' | 'error' | 'error_description'>): string {
  return error === undefined
    ? `${endpoint} refused the client (401)`
    : `${endpoint} answered "${error}"${describe(error_description)}`
}

/** Errors of ours, thrown by our own fetch or client authentication, come back wrapped. */
function findOurs(error: unknown): OidcError | undefined {
  for (let depth = 0, cause = error; depth < 4 && cause instanceof Error; depth++) {
    if (cause instanceof OidcError) return cause
    cause = cause.cause
  }
  return undefined
}

// End-User outcomes that ask for signing in again, not for going away (OIDC Core, 3.1.2.6)
const unauthenticated = new Set([
  'login_required',
  'interaction_required',
  'account_selection_required',
  'consent_required',
])

/** Builds the error that the provider put into its Authentication Response. */
export function buildAuthenticationResponseError(
  parameters: URLSearchParams,
): AuthenticationResponseError {
  const error = readText(parameters.get('error')) ?? ''
  const description = readText(parameters.get('error_description'))
  return new AuthenticationResponseError(
    'ERR_AUTHENTICATION_RESPONSE',
    `the provider answered "${error}"${describe(description)}`,
    {
      error,
      error_description: description,
      error_uri: readText(parameters.get('error_uri')),
      ...(unauthenticated.has(error) && { status: 401 }),
      ...(error === 'temporarily_unavailable' && { status: 503 }),
      ...(error === 'server_error' && { status: 502 }),
    },
  )
}

/**
 * The provider's words, as far as RFC 6749, 4.1.2.1 allows them: nothing that could forge a log line. Some
 * repeat what they were sent, and a token, code or assertion is in no log.
 */
function readText(
  untrusted: string | null | undefined,
  names: readonly unknown[] = [],
): string | undefined {
  return untrusted
    ?.slice(0, 4096)
    .replace(/[^\x20-\x7e]/g, '?')
    .replace(/[\w.~+=-]{28,}/g, (word) =>
      looksSecret(word) && !names.includes(word) ? '[removed]' : word,
    )
    .slice(0, 300)
}

/** Long, and of digits as well as letters, or of both cases: no word, and no name of a parameter. */
function looksSecret(word: string): boolean {
  return /\d/.test(word) || (/[a-z]/.test(word) && /[A-Z]/.test(word))
}

function describe(description: string | undefined): string {
  return description ? `: ${description}` : ''
}

function readClientError(
  error: ClientError,
  { code, endpoint, tokenKind }: Required<ProtocolRequest>,
): OidcError {
  const failure = error.cause instanceof Error ? error.cause : undefined
  if (failure?.message === 'JWE decryption is not configured') {
    const kind = tokenKind === 'id_token' ? 'the ID Token' : 'UserInfo'
    return new TokenValidationError(
      'ERR_ID_TOKEN',
      `${kind} is encrypted: set "idToken.decryptionKey" (OIDC_CLIENT_ENCRYPTION_KEY), or have the ` +
        'provider send it signed only',
      { tokenKind, reason: 'invalid' },
    )
  }
  const claim = readClaim(failure)
  switch (error.code) {
    case 'OAUTH_TIMEOUT':
      return new ProviderError('ERR_PROVIDER_TIMEOUT', `${endpoint} did not answer in time`, {
        endpoint,
      })
    case 'OAUTH_JWT_CLAIM_COMPARISON_FAILED':
    case 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED':
    case 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED':
      return new TokenValidationError(
        'ERR_ID_TOKEN_CLAIM',
        failure?.message ?? `"${claim}" is not what was expected`,
        { tokenKind, claim, reason: readReason(error.code, claim), cause: strip(error) },
      )
    case 'OAUTH_KEY_SELECTION_FAILED':
      return new TokenValidationError(
        'ERR_SIGNATURE',
        'none of the provider\'s published keys can verify the signature (unknown "kid" or "alg")',
        { tokenKind, reason: 'mismatch', cause: strip(error) },
      )
    default:
      break
  }
  if (/signature verification failed/.test(`${error.message} ${failure?.message}`)) {
    return new TokenValidationError('ERR_SIGNATURE', 'the signature is not valid', {
      tokenKind,
      reason: 'invalid',
      cause: strip(error),
    })
  }
  if (claim && failure) {
    const reason = /missing/.test(failure.message) ? 'missing' : 'invalid'
    return new TokenValidationError('ERR_ID_TOKEN_CLAIM', failure.message, {
      tokenKind,
      claim,
      reason,
      cause: strip(error),
    })
  }
  if (
    failure &&
    /JWT|JWE|ID Token|JWS|"alg"|id_token/.test(`${failure.message} ${error.message}`)
  ) {
    return new TokenValidationError('ERR_ID_TOKEN', failure.message, {
      tokenKind,
      reason: 'invalid',
      cause: strip(error),
    })
  }
  const message = isPage(error.cause)
    ? 'a web page where JSON is due'
    : (failure?.message ?? error.message)
  return new ProviderError(code, `${endpoint}: ${message}${describeResponse(error.cause)}`, {
    endpoint,
    cause: strip(error),
  })
}

/** oauth4webapi names the claim in its error's own cause, or only in its message. */
function readClaim(failure: Error | undefined): string | undefined {
  const cause: unknown = failure?.cause
  if (typeof cause === 'object' && cause !== null) {
    if ('claim' in cause && typeof cause.claim === 'string') return cause.claim
    if ('attribute' in cause && typeof cause.attribute === 'string') return cause.attribute
  }
  return failure && /"([a-z_]+)" \([a-z -]+\) claim/.exec(failure.message)?.[1]
}

function readReason(code: string, claim: string | undefined): TokenValidationError['reason'] {
  return code === 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED' && claim !== 'nbf' ? 'expired' : 'mismatch'
}

/**
 * The messages of an error and its causes, and nothing else: openid-client's errors hold the response
 * they are about, tokens included, and a log that prints causes would print those.
 */
function strip(error: unknown): Error | undefined {
  if (!(error instanceof Error)) return undefined
  // A JSON parser quotes what it could not read
  const message = error instanceof SyntaxError ? 'not valid JSON' : error.message
  const cause = strip(error.cause)
  const copy = new Error(message, cause && { cause })
  copy.name = error.name
  return copy
}

function isPage(cause: unknown): boolean {
  return cause instanceof Response && /\bhtml\b/.test(cause.headers.get('content-type') ?? '')
}

function describeResponse(cause: unknown): string {
  if (!(cause instanceof Response)) return ''
  return ` (status ${cause.status}, content type "${cause.headers.get('content-type') ?? 'none'}")`
}
