/**
 * What can go wrong, as classes with stable codes. The table of the codes is beside it; the classes add
 * what a handler may want to read.
 *
 * @module
 */

import { type ErrorCode, errorTexts } from './error-texts.ts'

/** The error that every error of this library is. */
export class OidcError extends Error {
  /** Stable, for programs; `message` is for developers and may change. */
  readonly code: ErrorCode
  /** The status that an HTTP reply about this error should have. */
  readonly status: number

  /** @ignore */
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown; status?: number }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.code = code
    this.status = options?.status ?? errorTexts[code].status
  }

  /** What a browser may be told. Holds nothing of the request, the provider or the configuration. */
  get publicMessage(): string {
    return errorTexts[this.code].publicMessage
  }
}

/** One fault of the configuration: where, and what to do. */
export interface ConfigurationIssue {
  /** The option's path (`session.secret`) or the environment variable's name. */
  readonly path: string
  readonly message: string
}

/** The options or the environment cannot work. Lists every fault, not just the first. */
export class ConfigurationError extends OidcError {
  readonly issues: readonly ConfigurationIssue[]

  /** @ignore */
  constructor(issues: readonly ConfigurationIssue[], options?: { cause?: unknown }) {
    const list = issues.map(({ path, message }) => `  ${path}: ${message}`).join('\n')
    super('ERR_CONFIGURATION', `the configuration has ${count(issues.length)}\n${list}`, options)
    this.issues = issues
  }
}

function count(faults: number): string {
  return faults === 1 ? 'a fault:' : `${faults} faults:`
}

/**
 * A Client Authentication that the provider refused (`invalid_client`, or a 401 without a word): what was
 * sent, without the signature, and what is likely to be wrong with it.
 */
export interface ClientRefusal {
  /** The header of the client assertion, where there was one. */
  readonly header?: Readonly<Record<string, unknown>>
  /** Its claims. */
  readonly claims?: Readonly<Record<string, unknown>>
  /** What may be the reason, the likeliest one first. Never empty. */
  readonly causes: readonly RefusalCause[]
  /** The command that looks further. */
  readonly command: string
}

/** One reason why a Client Authentication may have been refused. */
export interface RefusalCause {
  /** The provider's rule that is broken, such as `aud`; `key`, `secret`, `clock` or `client` for what is no rule. */
  readonly rule: string
  /** What is wrong, as far as it can be seen from here. */
  readonly message: string
  /** What to do. */
  readonly fix: string
  /** The document that says so. */
  readonly source?: string | undefined
}

/** The OpenID Provider, or the way to it, failed. */
export class ProviderError extends OidcError {
  /** The URL that was asked, without its query. */
  readonly endpoint: string | undefined
  /** The provider's `error`, where it answered with one. */
  readonly error: string | undefined
  readonly error_description: string | undefined
  /** What was refused, and why it may have been, where it is the client that was. */
  readonly refusal: ClientRefusal | undefined

  /** @ignore */
  constructor(
    code: ErrorCode,
    message: string,
    options: {
      endpoint?: string | undefined
      error?: string | undefined
      error_description?: string | undefined
      refusal?: ClientRefusal | undefined
      status?: number
      cause?: unknown
    } = {},
  ) {
    super(code, message, options)
    this.endpoint = options.endpoint
    this.error = options.error
    this.error_description = options.error_description
    this.refusal = options.refusal
  }
}

/** The provider answered the Authentication Request with an error, as the specification allows. */
export class AuthenticationResponseError extends OidcError {
  readonly error: string | undefined
  readonly error_description: string | undefined
  readonly error_uri: string | undefined

  /** @ignore */
  constructor(
    code: ErrorCode,
    message: string,
    options: {
      error?: string | undefined
      error_description?: string | undefined
      error_uri?: string | undefined
      status?: number
      cause?: unknown
    } = {},
  ) {
    super(code, message, options)
    this.error = options.error
    this.error_description = options.error_description
    this.error_uri = options.error_uri
  }
}

/** This browser's login, or its request to one of our routes, cannot be continued. */
export class TransactionError extends OidcError {
  readonly reason: 'missing' | 'expired' | 'mismatch' | 'replayed' | 'invalid' | 'loop'

  /** @ignore */
  constructor(
    code: ErrorCode,
    message: string,
    options: { reason: TransactionError['reason']; cause?: unknown },
  ) {
    super(code, message, options)
    this.reason = options.reason
  }
}

/** A token is not acceptable. */
export class TokenValidationError extends OidcError {
  readonly tokenKind: 'id_token' | 'userinfo' | 'logout_token'
  /** The claim at fault, where it is one. */
  readonly claim: string | undefined
  readonly reason: 'missing' | 'invalid' | 'mismatch' | 'expired'

  /** @ignore */
  constructor(
    code: ErrorCode,
    message: string,
    options: {
      tokenKind: TokenValidationError['tokenKind']
      claim?: string | undefined
      reason: TokenValidationError['reason']
      cause?: unknown
    },
  ) {
    super(code, message, options)
    this.tokenKind = options.tokenKind
    this.claim = options.claim
    this.reason = options.reason
  }
}

/** The session cannot be read, written or used for what was asked. */
export class SessionError extends OidcError {}

/** What is wrong with a key, or with the place that holds it. A program may count on these words. */
export type KeyErrorReason =
  /** Too many requests: the store says to ask again later. */
  | 'throttled'
  /** The store cannot be reached, or is out of order. */
  | 'unavailable'
  /** The store did not answer in time. */
  | 'timeout'
  /** This process may not use the key. */
  | 'denied'
  /** The store does not know who this process is: no credentials, or wrong ones. */
  | 'credentials'
  | 'not-found'
  /** The key is there, and switched off or about to be destroyed. */
  | 'disabled'
  /** The key cannot sign with this algorithm. */
  | 'unsupported-algorithm'
  /** What the store returned does not verify under the key's public half. */
  | 'bad-signature'

/** A key cannot be had, or does not sign. */
export class KeyError extends OidcError {
  /** The key's `kid`, once it is known. */
  readonly kid: string | undefined
  /** What is wrong, where it is known. */
  readonly reason: KeyErrorReason | undefined

  /** @ignore */
  constructor(
    code: ErrorCode,
    message: string,
    options: {
      kid?: string | undefined
      reason?: KeyErrorReason | undefined
      status?: number
      cause?: unknown
    } = {},
  ) {
    super(code, message, options)
    this.kid = options.kid
    this.reason = options.reason
  }
}
