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
import { endedMeanwhile } from './session/ended-sessions.ts'
import type { KeptTokens, Session } from './session/session.ts'
import type { SessionHandle } from './session/store.ts'
import { isEnded, isRefused, signInAgain } from './tokens/refusal.ts'
import { revokeTokens } from './tokens/revocation.ts'
import { isDue } from './tokens/token-lifetime.ts'

/** Refreshes the tokens now, and returns the new access token. */
export async function refreshTokens(request: Parts): Promise<string> {
  const { wiring, exchange } = request
  const session = readSession(request)
  const { refreshToken } = readTokens(session)
  if (refreshToken === undefined) throw noRefreshToken(session)
  const handle = open(request)
  const { shared } = handle
  if (!shared) checkKeepable(exchange)
  const { refresh, provider, timeout } = await wiring.registrations.of(session)

  /** A logout meanwhile is the last word, and nobody will use what came after it. */
  function discard(fresh: KeptTokens): void {
    void revokeTokens(provider, fresh, { timeout, emit: wiring.emit })
  }

  async function write(fresh: KeptTokens): Promise<void> {
    try {
      await handle.writeTokens(wiring.keepTokens(fresh))
    } catch (error) {
      if (isEnded(error)) discard(fresh)
      throw error
    }
  }

  try {
    const tokens = await refresh(session, { refreshToken, shared, write })
    if (handle.read()?.id !== session.id) {
      if (!shared) discard(tokens)
      throw endedMeanwhile()
    }
    if (shared) shared.adopt(wiring.keepTokens(tokens))
    else await write(tokens)
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

/** What becomes of a session whose tokens cannot be refreshed any more. */
async function giveUp({ wiring, exchange }: Parts, handle: SessionHandle): Promise<void> {
  const isKeepable = handle.shared !== undefined || !exchange.isStarted()
  if (wiring.config.session.refusedRefresh === 'sign-in') {
    // The ID Token says at the provider who signs out
    const { idToken } = handle.read()?.tokens ?? {}
    if (isKeepable) await handle.writeTokens({ idToken, isRefused: true })
    throw signInAgain()
  }
  if (!exchange.isStarted()) await handle.clear()
  else await handle.shared?.end()
}

function noRefreshToken({ tokens }: Session): SessionError {
  return new SessionError(
    tokens?.accessToken === undefined ? 'ERR_TOKEN_NOT_KEPT' : 'ERR_SESSION_ENDED',
    'there is no refresh token: ask for the scope "offline_access" and add "refreshToken" to ' +
      '"session.keep"',
  )
}

function readTokens({ tokens = {} }: Session): KeptTokens {
  if (tokens.isRefused) throw signInAgain()
  return tokens
}

/** Reads an access token that has some time left: refreshed where it has not. */
export async function readAccessToken(
  request: Parts,
  { minLifetime }: { readonly minLifetime?: number } = {},
): Promise<string> {
  const session = readSession(request)
  const tokens = readTokens(session)
  const { accessToken } = tokens
  if (accessToken === undefined) {
    throw new SessionError(
      'ERR_TOKEN_NOT_KEPT',
      'there is no access token: add "accessToken" to "session.keep"',
    )
  }
  const now = request.wiring.clock.now()
  if (!isDue(tokens, now, minLifetime)) return accessToken
  if (tokens.refreshToken !== undefined) return await refreshTokens(request)
  // Else the End-User would be signed in, and meet this error on each page
  if (isDue(tokens, now)) await giveUp(request, open(request))
  throw noRefreshToken(session)
}
