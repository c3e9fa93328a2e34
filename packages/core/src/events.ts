/**
 * What can be observed of a Relying Party. An event tells what happened and to which key, endpoint or
 * End-User; its type has no place for a token, code, verifier, secret or key.
 *
 * @module
 */

import type { ErrorCode } from './error-texts.ts'
import {
  type ClientRefusal,
  KeyError,
  type KeyErrorReason,
  OidcError,
  ProviderError,
} from './errors.ts'

/** Something that happened. `type` says what; the rest depends on it. Durations in milliseconds. */
export type OidcEvent =
  /** The browser was sent to the provider. */
  | { readonly type: 'login.started'; readonly returnTo: string; readonly stepUp: boolean }
  /** An End-User has signed in. */
  | {
      readonly type: 'login.succeeded'
      readonly sub: string
      readonly sid?: string | undefined
      readonly duration: number
    }
  /** A login ended in an error, which the browser saw under `reference`. */
  | { readonly type: 'login.failed'; readonly reference: string; readonly error: EventError }
  /** A request to one of our routes was refused. */
  | { readonly type: 'request.refused'; readonly reference: string; readonly error: EventError }
  /** A session cookie was there, but could not be opened: tampered with, or sealed with another secret. */
  | { readonly type: 'session.unreadable'; readonly cookie: string }
  /** The session store failed. Nothing was overwritten, and nobody was signed out. */
  | { readonly type: 'session.store_failed'; readonly error: EventError }
  /**
   * A session was ended from elsewhere: by the provider (`back-channel`, `front-channel`) or by this app
   * (`administration`, or because of `session.maxSessions`: `limit`). `sessions` is how many, where that is known.
   */
  | {
      readonly type: 'session.ended'
      readonly by: 'back-channel' | 'front-channel' | 'administration' | 'limit'
      readonly provider?: string | undefined
      readonly sub?: string | undefined
      readonly sid?: string | undefined
      readonly sessions?: number | undefined
    }
  /** The session was ended here. */
  | { readonly type: 'logout'; readonly sub: string | undefined; readonly local: boolean }
  /** An access token was refreshed. */
  | { readonly type: 'token.refreshed'; readonly duration: number }
  | { readonly type: 'token.refresh_failed'; readonly error: EventError }
  | { readonly type: 'token.revoked'; readonly kind: 'refresh_token' | 'access_token' }
  | { readonly type: 'token.revocation_failed'; readonly error: EventError }
  | { readonly type: 'discovery.succeeded'; readonly issuer: string; readonly duration: number }
  /** `stale` when the metadata known so far goes on being used. */
  | {
      readonly type: 'discovery.failed'
      readonly issuer: string
      readonly stale: boolean
      readonly error: EventError
    }
  | { readonly type: 'jwks.fetched'; readonly url: string; readonly kids: readonly string[] }
  | {
      readonly type: 'jwks.failed'
      readonly url: string
      readonly stale: boolean
      readonly error: EventError
    }
  /** A client assertion was signed. */
  | {
      readonly type: 'key.signed'
      readonly kid: string
      readonly alg: string
      readonly duration: number
    }
  /** A key source was read again and has other keys now. */
  | { readonly type: 'key.reloaded'; readonly source: string; readonly kids: readonly string[] }
  /** A key is in the JWK Set that was not there before. It signs from `notBefore` on. NumericDate. */
  | {
      readonly type: 'key.published'
      readonly kid: string
      readonly alg: string
      readonly notBefore?: number | undefined
    }
  /** Another key signs than before. */
  | { readonly type: 'key.switched'; readonly kid: string; readonly previous: string }
  /** A key is no longer in the JWK Set. */
  | { readonly type: 'key.retired'; readonly kid: string }
  /** A key source cannot be read; the last good keys stay in use. */
  | { readonly type: 'key.reload_failed'; readonly source: string; readonly error: EventError }

/** The part of an error that an event may carry. */
export interface EventError {
  readonly code: ErrorCode | 'ERR_UNEXPECTED'
  readonly message: string
  /** What is wrong, of an error about a key. */
  readonly reason?: KeyErrorReason | undefined
  /** What was sent and why it may have been refused, where the provider refused this client. */
  readonly refusal?: ClientRefusal | undefined
  /** The messages of the causes, outermost first. */
  readonly causes: readonly string[]
}

/** Tells the app what happened. MUST NOT throw; if it does, nothing else is affected. */
export type Emit = (event: OidcEvent) => void

const maxCauses = 5

/** Builds the part of an error that an event may carry. */
export function buildEventError(error: unknown): EventError {
  const causes: string[] = []
  let cause = error instanceof Error ? error.cause : undefined
  while (cause instanceof Error && causes.length < maxCauses) {
    // A JSON parser quotes what it could not read
    const message = cause instanceof SyntaxError ? 'not valid JSON' : cause.message
    causes.push(`${cause.name}: ${message}`)
    cause = cause.cause
  }
  return {
    code: error instanceof OidcError ? error.code : 'ERR_UNEXPECTED',
    message: error instanceof Error ? error.message : '',
    ...(error instanceof KeyError && error.reason && { reason: error.reason }),
    ...(error instanceof ProviderError && error.refusal && { refusal: error.refusal }),
    causes,
  }
}
