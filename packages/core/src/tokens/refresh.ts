/**
 * Refreshing an access token, once at a time for each session.
 *
 * @see OpenID Connect Core 1.0, 12
 *
 * @module
 */

import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import * as client from 'openid-client'
import type { Clock } from '../base/clock.ts'
import { createSingleFlight } from '../base/single-flight.ts'
import { ProviderError, SessionError, TokenValidationError } from '../errors.ts'
import { buildEventError, type Emit } from '../events.ts'
import type { Provider } from '../provider/discovery.ts'
import { readProtocolError } from '../provider/protocol-error.ts'
import type { KeptTokens, Session } from '../session/session.ts'
import type { SharedSession } from '../session/store.ts'

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
  /** Audiences besides the client that are trusted. */
  readonly trustedAudiences: readonly string[]
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

  /** One process at a time; the next one finds what it has left. */
  async function refreshAlone(
    session: Session,
    shared: SharedSession,
    { refreshToken, write }: RefreshRequest,
  ): Promise<KeptTokens> {
    return await shared.alone(async () => {
      const news = await findNews(session, shared)
      if (news) return news
      try {
        const tokens = await refresh(session, refreshToken)
        await write(tokens)
        return tokens
      } catch (error) {
        // Where the store has no lock, a sibling may have been faster (RFC 9700, 4.14.2)
        const others = isRefused(error) ? await awaitNews(session, shared) : undefined
        if (others) return others
        throw error
      }
    })
  }

  return (session, request) => {
    const { refreshToken, shared } = request
    const key = createHash('sha256').update(`${session.id} ${refreshToken}`).digest('base64url')
    return once(key, () =>
      shared ? refreshAlone(session, shared, request) : refresh(session, refreshToken),
    )
  }
}

/** Whether the provider refuses the refresh token for good. */
export function isRefused(error: unknown): boolean {
  return error instanceof SessionError && error.cause instanceof ProviderError
}

/** The tokens that another process has left in place of those that a request came with. */
async function findNews(
  { tokens: known }: Session,
  shared: SharedSession,
): Promise<KeptTokens | undefined> {
  const session = await shared.reload()
  if (!session) {
    throw new SessionError(
      'ERR_SESSION_ENDED',
      'the session ended before its tokens were refreshed',
    )
  }
  const { tokens = {} } = session
  const isSame =
    tokens.refreshToken === known?.refreshToken && tokens.accessToken === known?.accessToken
  return isSame ? undefined : tokens
}

/** Milliseconds after which it is looked whether the other process has written its tokens. */
const looks = [0, 100, 400]

async function awaitNews(session: Session, shared: SharedSession): Promise<KeptTokens | undefined> {
  for (const wait of looks) {
    await delay(wait)
    const news = await findNews(session, shared)
    if (news) return news
  }
  return undefined
}

async function requestTokens(
  settings: Omit<RefreshSettings, 'emit'>,
  session: Session,
  refreshToken: string,
): Promise<KeptTokens> {
  const { provider, clock, verifySecretSignature } = settings
  const { token_endpoint } = await provider.metadata()
  try {
    const response = await client.refreshTokenGrant(await provider.configuration(), refreshToken)
    if (response.id_token !== undefined) await verifySecretSignature?.(response.id_token)
    checkRefreshedIdToken(settings, session, response.claims())
    return buildTokens(
      {
        ...response,
        // RFC 6749, 6: a response without one leaves the old one valid
        refresh_token: response.refresh_token ?? refreshToken,
        scope: response.scope ?? session.tokens?.scope,
        id_token: response.id_token ?? session.tokens?.idToken,
      },
      { now: clock.now(), nonce: session.tokens?.nonce },
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

// OIDC Core, 12.2: the same issuer and End-User, for the same audience, and the same authentication
function checkRefreshedIdToken(
  { clientId, trustedAudiences }: Pick<RefreshSettings, 'clientId' | 'trustedAudiences'>,
  { claims, tokens }: Session,
  refreshed: client.IDToken | undefined,
): void {
  if (!refreshed) return
  for (const claim of ['iss', 'sub'] as const) {
    if (refreshed[claim] !== claims[claim]) throw changed(claim)
  }
  const audiences = [refreshed.aud].flat()
  const isTrusted = audiences.every((aud) => [clientId, ...trustedAudiences].includes(aud))
  if (!isTrusted || ![claims.aud].flat().every((aud) => audiences.includes(aud)))
    throw changed('aud')
  const { auth_time, nonce, azp } = refreshed
  if (auth_time !== undefined && claims.auth_time !== undefined && auth_time !== claims.auth_time) {
    throw changed('auth_time')
  }
  // It SHOULD have none, and MUST NOT have another
  if (nonce !== undefined && nonce !== tokens?.nonce) throw changed('nonce')
  if (azp !== claims['azp']) throw changed('azp')
}

function changed(claim: string): TokenValidationError {
  return new TokenValidationError(
    'ERR_ID_TOKEN_CLAIM',
    `"${claim}" of the refreshed ID Token is not the first one's`,
    { tokenKind: 'id_token', claim, reason: 'mismatch' },
  )
}
