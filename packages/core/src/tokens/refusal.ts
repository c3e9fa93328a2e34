/**
 * The end of refreshing: what a provider says that will not refresh tokens any more, and what the app is
 * told.
 *
 * @module
 */

import { ProviderError, SessionError } from '../errors.ts'

/** Reads whether a failure is the refusal of a refresh token, and says so in the words of a session. */
export function readRefusal(failure: unknown): SessionError | undefined {
  // RFC 6749, 5.2: it is expired, revoked or used, and will not get better. Nothing else ends a session
  if (!(failure instanceof ProviderError && failure.error === 'invalid_grant')) return undefined
  return new SessionError(
    'ERR_SESSION_ENDED',
    `the refresh token was refused: ${failure.message}`,
    { cause: failure },
  )
}

/** Whether the provider refuses the refresh token for good. */
export function isRefused(error: unknown): boolean {
  return error instanceof SessionError && error.cause instanceof ProviderError
}

/** Whether the session has ended, and not by a refusal. */
export function isEnded(error: unknown): boolean {
  return error instanceof SessionError && error.code === 'ERR_SESSION_ENDED' && !isRefused(error)
}

/** The session goes on without tokens that could be refreshed. */
export function signInAgain(): SessionError {
  return new SessionError('ERR_SIGN_IN_AGAIN', 'the provider does not refresh the tokens any more')
}
