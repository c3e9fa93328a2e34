/**
 * Signing out: the session here always ends, and the provider is asked to end its own.
 *
 * @see OpenID Connect RP-Initiated Logout 1.0
 *
 * @module
 */

import { buildEndSessionUrl } from 'openid-client'
import { generateId } from '../base/random.ts'
import type { BaseUrl } from '../base/url.ts'
import { TransactionError } from '../errors.ts'
import type { Emit } from '../events.ts'
import type { Exchange, OidcResponse } from '../exchange.ts'
import { redirect } from '../http/responses.ts'
import type { LoopBreaker } from '../login/loop-breaker.ts'
import type { Provider } from '../provider/discovery.ts'
import type { Session } from '../session/session.ts'
import type { SessionHandle } from '../session/store.ts'
import { revokeTokens } from '../tokens/revocation.ts'
import type { SignedOut } from './signed-out.ts'

/** What signing out takes. */
export interface LogoutSettings {
  readonly baseUrl: BaseUrl
  readonly loopBreaker: LoopBreaker
  readonly signedOut: SignedOut
  readonly emit: Emit
  /** The client that a session is of. */
  of(session: Session): Promise<LogoutClient>
}

/** The registration that a session is of. */
export interface LogoutClient {
  readonly provider: Provider
  readonly clientId: string
  /** Seconds that one request to the provider may take. */
  readonly timeout: number
}

/** One logout. */
export interface LogoutRequest {
  /** A safe path on `baseUrl`. */
  readonly returnTo: string
  /** Whether the session at the provider is left alone. */
  readonly local: boolean
}

/**
 * Refuses a request that another site has made this browser send. @see Fetch Metadata
 *
 * @throws TransactionError `ERR_CROSS_SITE_REQUEST`
 */
export function checkSameSite(exchange: Exchange, baseUrl: BaseUrl): void {
  const site = exchange.header('sec-fetch-site')
  const origin = exchange.header('origin')
  const isCrossSite =
    site === undefined ? origin !== undefined && origin !== baseUrl.origin : site === 'cross-site'
  if (!isCrossSite) return
  throw new TransactionError('ERR_CROSS_SITE_REQUEST', 'another site asked for the logout', {
    reason: 'invalid',
  })
}

/** Ends the session and returns the redirect to the provider, or back. Never fails for the provider. */
export async function startLogout(
  settings: LogoutSettings,
  { exchange, session }: { exchange: Exchange; session: SessionHandle },
  { returnTo, local }: LogoutRequest,
): Promise<OidcResponse> {
  const { baseUrl, emit } = settings
  const ended = session.read()
  await session.clear()
  settings.loopBreaker.clear(exchange)
  settings.signedOut.note(exchange, returnTo)
  const back = redirect(returnTo)
  if (!ended) return back
  emit({ type: 'logout', sub: ended.claims.sub, local })
  // The provider may be away, or one of a tenant that is gone
  const client = await settings.of(ended).catch(() => undefined)
  const metadata = await client?.provider.metadata().catch(() => undefined)
  if (!client || !metadata) return back
  const { provider, clientId, timeout } = client
  await revokeTokens(provider, ended.tokens ?? {}, { timeout, emit })
  if (local || metadata.end_session_endpoint === undefined) return back
  const hint = ended.tokens?.idToken
  const url = buildEndSessionUrl(await provider.configuration(), {
    // RP-Initiated Logout, 2: without a hint, the client says who it is by its identifier
    ...(hint === undefined ? { client_id: clientId } : { id_token_hint: hint }),
    post_logout_redirect_uri: baseUrl.origin + returnTo,
    state: generateId(),
  })
  return redirect(url.href)
}
