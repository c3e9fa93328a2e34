/**
 * Refreshing an access token, once at a time for each session.
 *
 * @see OpenID Connect Core 1.0, 12
 *
 * @module
 */

import { createHash } from 'node:crypto'
import * as client from 'openid-client'
import type { Clock } from '../base/clock.ts'
import { createSingleFlight } from '../base/single-flight.ts'
import { ProviderError, SessionError, TokenValidationError } from '../errors.ts'
import { buildEventError, type Emit } from '../events.ts'
import type { Provider } from '../provider/discovery.ts'
import { readProtocolError } from '../provider/protocol-error.ts'
import type { KeptTokens, Session } from '../session/session.ts'

/** Refreshes the tokens of a session. */
export type Refresh = (session: Session, refreshToken: string) => Promise<KeptTokens>

/** What a token response is reduced to. */
export interface TokenResponse {
  readonly id_token?: string | undefined
  readonly access_token: string
  readonly refresh_token?: string | undefined
  readonly expires_in?: number | undefined
  readonly scope?: string | undefined
}

/** Builds what is kept of a token response. */
export function buildTokens(response: TokenResponse, now: number): KeptTokens {
  const { id_token, access_token, refresh_token, expires_in, scope } = response
  return {
    idToken: id_token,
    accessToken: access_token,
    refreshToken: refresh_token,
    expiresAt: expires_in === undefined ? undefined : now + expires_in,
    scope,
  }
}

/** What refreshing takes. */
export interface RefreshSettings {
  readonly provider: Provider
  /** Verifies an ID Token under the client secret, where that is how they are signed. */
  readonly verifySecretSignature: ((idToken: string) => Promise<void>) | undefined
  readonly clock: Clock
  readonly emit: Emit
}

/**
 * Creates the function that refreshes. Requests of a session that come while it is refreshed, or are
 * under way with the old refresh token when it just was, share the result: a token that was rotated
 * must not be sent twice.
 */
export function createRefresh({ emit, ...settings }: RefreshSettings): Refresh {
  const once = createSingleFlight<KeptTokens>()

  async function refresh(session: Session, refreshToken: string): Promise<KeptTokens> {
    const started = performance.now()
    try {
      const tokens = await requestTokens(settings, session, refreshToken)
      emit({ type: 'token.refreshed', duration: performance.now() - started })
      return tokens
    } catch (error) {
      emit({ type: 'token.refresh_failed', error: buildEventError(error) })
      throw error
    }
  }

  return (session, refreshToken) => {
    const key = createHash('sha256').update(`${session.id} ${refreshToken}`).digest('base64url')
    return once(key, () => refresh(session, refreshToken))
  }
}

async function requestTokens(
  { provider, clock, verifySecretSignature }: Omit<RefreshSettings, 'emit'>,
  session: Session,
  refreshToken: string,
): Promise<KeptTokens> {
  const { token_endpoint } = await provider.metadata()
  try {
    const response = await client.refreshTokenGrant(await provider.configuration(), refreshToken)
    if (response.id_token !== undefined) await verifySecretSignature?.(response.id_token)
    checkRefreshedIdToken(session, response.claims())
    return buildTokens(
      {
        ...response,
        // RFC 6749, 6: a response without one leaves the old one valid
        refresh_token: response.refresh_token ?? refreshToken,
        scope: response.scope ?? session.tokens?.scope,
        id_token: response.id_token ?? session.tokens?.idToken,
      },
      clock.now(),
    )
  } catch (error) {
    const failure = readProtocolError(error, {
      code: 'ERR_TOKEN_RESPONSE',
      endpoint: token_endpoint,
    })
    // RFC 6749, 5.2: the refresh token is expired, revoked or used; it will not get better
    if (!(failure instanceof ProviderError && failure.error === 'invalid_grant')) throw failure
    throw new SessionError(
      'ERR_SESSION_ENDED',
      `the refresh token was refused: ${failure.message}`,
      {
        cause: failure,
      },
    )
  }
}

// OIDC Core, 12.2: the same issuer and End-User, and the same authentication
function checkRefreshedIdToken({ claims }: Session, refreshed: client.IDToken | undefined): void {
  if (!refreshed) return
  for (const claim of ['iss', 'sub'] as const) {
    if (refreshed[claim] !== claims[claim]) throw changed(claim)
  }
  const { auth_time } = refreshed
  if (auth_time !== undefined && claims.auth_time !== undefined && auth_time !== claims.auth_time) {
    throw changed('auth_time')
  }
}

function changed(claim: string): TokenValidationError {
  return new TokenValidationError(
    'ERR_ID_TOKEN_CLAIM',
    `"${claim}" of the refreshed ID Token is not the first one's`,
    { tokenKind: 'id_token', claim, reason: 'mismatch' },
  )
}
