/**
 * The access token of a session: fresh when it is asked for.
 *
 * @module
 */

import { open, type Parts, readSession } from './current-session.ts'
import { SessionError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import { checkStarted } from './http/cookies.ts'
import { isHandshake } from './http/origin.ts'
import type { KeptTokens, Session } from './session/session.ts'
import type { SessionHandle } from './session/store.ts'
import { isRefused } from './tokens/refresh.ts'

/** Refreshes the tokens now, and returns the new access token. */
export async function refreshTokens(request: Parts): Promise<string> {
  const { wiring, exchange } = request
  const session = readSession(request)
  const { refreshToken } = readTokens(session)
  if (refreshToken === undefined) {
    throw new SessionError(
      session.tokens?.accessToken === undefined ? 'ERR_TOKEN_NOT_KEPT' : 'ERR_SESSION_ENDED',
      'there is no refresh token: ask for the scope "offline_access" and add "refreshToken" to ' +
        '"session.keep"',
    )
  }
  const handle = open(request)
  const { shared } = handle
  if (!shared) checkKeepable(exchange)
  const registration = await wiring.registrations.of(session)
  try {
    const tokens = await registration.refresh(session, {
      refreshToken,
      shared,
      write: async (fresh) => await handle.writeTokens(wiring.keepTokens(fresh)),
    })
    const kept = wiring.keepTokens(tokens)
    // A logout meanwhile is the last word
    if (handle.read()?.id !== session.id) throw endedMeanwhile()
    if (shared) shared.adopt(kept)
    else await handle.writeTokens(kept)
    return tokens.accessToken ?? ''
  } catch (error) {
    if (isRefused(error)) await giveUp(request, handle)
    throw error
  }
}

/** New tokens that cannot be kept would be lost, and the old ones used up. */
function checkKeepable(exchange: Exchange): void {
  checkStarted(exchange)
  if (!isHandshake(exchange)) return
  const message = 'a WebSocket has no response to keep new tokens in'
  throw new SessionError('ERR_RESPONSE_STARTED', message)
}

/** What becomes of a session whose refresh token is refused for good. */
async function giveUp({ wiring, exchange }: Parts, handle: SessionHandle): Promise<void> {
  if (wiring.config.session.refusedRefresh === 'sign-in') {
    await handle.writeTokens({ isRefused: true })
    throw signInAgain()
  }
  if (!exchange.isStarted()) await handle.clear()
  else await handle.shared?.end()
}

function readTokens({ tokens = {} }: Session): KeptTokens {
  if (tokens.isRefused) throw signInAgain()
  return tokens
}

function signInAgain(): SessionError {
  return new SessionError('ERR_SIGN_IN_AGAIN', 'the provider does not refresh the tokens any more')
}

function endedMeanwhile(): SessionError {
  return new SessionError('ERR_SESSION_ENDED', 'the session ended while its tokens were refreshed')
}

/** Seconds that a token must have left to be worth using. */
const defaultMinLifetime = 30

/** Reads an access token that has some time left: refreshed where it has not. */
export async function readAccessToken(
  request: Parts,
  { minLifetime = defaultMinLifetime }: { readonly minLifetime?: number } = {},
): Promise<string> {
  const { accessToken, expiresAt } = readTokens(readSession(request))
  if (accessToken === undefined) {
    throw new SessionError(
      'ERR_TOKEN_NOT_KEPT',
      'there is no access token: add "accessToken" to "session.keep"',
    )
  }
  const now = request.wiring.clock.now()
  const isFresh = expiresAt === undefined || expiresAt - now >= minLifetime
  return isFresh ? accessToken : await refreshTokens(request)
}
