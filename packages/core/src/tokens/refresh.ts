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
import { buildEventError, type Emit } from '../events.ts'
import type { Provider } from '../provider/discovery.ts'
import { readProtocolError } from '../provider/protocol-error.ts'
import type { KeptTokens, Session } from '../session/session.ts'
import type { SharedSession } from '../session/store.ts'
import { checkRefreshedIdToken } from './refreshed-id-token.ts'
import { readRefusal } from './refusal.ts'
import { createSharedRefresh } from './shared-refresh.ts'
import { isDue } from './token-lifetime.ts'

/** Refreshes the tokens of a session. In a shared session they are written already when it resolves. */
export type Refresh = (session: Session, request: RefreshRequest) => Promise<KeptTokens>

/** One request for fresh tokens. */
export interface RefreshRequest {
  readonly refreshToken: string
  /** The session as other processes have it, where they do. */
  readonly shared: SharedSession | undefined
  /** Keeps the tokens in a shared session. */
  write(tokens: KeptTokens): Promise<void>
}

/** What a token response is reduced to. */
export interface TokenResponse {
  readonly id_token?: string | undefined
  readonly access_token: string
  readonly refresh_token?: string | undefined
  readonly expires_in?: number | undefined
  readonly scope?: string | undefined
}

/** Builds what is kept of a token response. */
export function buildTokens(
  response: TokenResponse,
  { now, nonce }: { now: number; nonce: string | undefined },
): KeptTokens {
  const { id_token, access_token, refresh_token, expires_in, scope } = response
  return {
    idToken: id_token,
    accessToken: access_token,
    refreshToken: refresh_token,
    expiresAt: expires_in === undefined ? undefined : now + expires_in,
    scope,
    nonce,
  }
}

/** What refreshing takes. */
export interface RefreshSettings {
  readonly provider: Provider
  readonly clientId: string
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
  const { clock } = settings
  const once = createSingleFlight<KeptTokens>()

  async function request(session: Session, refreshToken: string): Promise<KeptTokens> {
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

  /** In a session that only its browser has: what it was given lately is remembered here. */
  async function refreshOwn(session: Session, refreshToken: string): Promise<KeptTokens> {
    let isNew = false
    const act = () => {
      isNew = true
      return request(session, refreshToken)
    }
    // A refresh token that was replaced is not sent again, however short its successor's life
    const isGood = (tokens: KeptTokens) =>
      tokens.refreshToken !== refreshToken || !isDue(tokens, clock.now())
    const tokens = await once(buildKey(session), act, isGood)
    if (isNew || tokens.refreshToken === undefined || !isDue(tokens, clock.now())) return tokens
    return await refreshOwn({ ...session, tokens }, tokens.refreshToken)
  }

  const refreshShared = createSharedRefresh({ request, clock })

  return async (session, { refreshToken, shared, write }) => {
    if (!shared) return await refreshOwn(session, refreshToken)
    // To find the provider may take longer than a lock may be held
    await settings.provider.metadata()
    return await refreshShared(session, { key: buildKey(session), shared, write })
  }
}

/** The tokens that a request came with: where they were not rotated, the next refresh is another one. */
function buildKey({ id, tokens: { refreshToken, accessToken, idToken } = {} }: Session): string {
  const parts = JSON.stringify([id, refreshToken, accessToken, idToken])
  return createHash('sha256').update(parts).digest('base64url')
}

async function requestTokens(
  settings: Omit<RefreshSettings, 'emit'>,
  session: Session,
  refreshToken: string,
): Promise<KeptTokens> {
  const { provider, clientId, clock, verifySecretSignature } = settings
  const { token_endpoint } = await provider.metadata()
  try {
    const response = await client.refreshTokenGrant(await provider.configuration(), refreshToken)
    if (response.id_token !== undefined) await verifySecretSignature?.(response.id_token)
    const claims = response.claims()
    if (claims) checkRefreshedIdToken(claims, session, clientId)
    const tokens = buildTokens(
      {
        ...response,
        // RFC 6749, 6: a response without one leaves the old one valid
        refresh_token: response.refresh_token ?? refreshToken,
        scope: response.scope ?? session.tokens?.scope,
        id_token: response.id_token ?? session.tokens?.idToken,
      },
      { now: clock.now(), nonce: session.tokens?.nonce },
    )
    return { ...tokens, refreshedFor: response.expires_in }
  } catch (error) {
    const failure = readProtocolError(error, {
      code: 'ERR_TOKEN_RESPONSE',
      endpoint: token_endpoint,
    })
    throw readRefusal(failure) ?? failure
  }
}
