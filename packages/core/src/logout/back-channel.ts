/**
 * Back-channel logout: the provider says itself, without the browser, that a session has ended.
 *
 * @see OpenID Connect Back-Channel Logout 1.0, 2.5–2.8
 *
 * @module
 */

import type { Exchange, OidcResponse } from '../exchange.ts'
import { type LogoutTokenSettings, readLogoutToken } from './logout-token.ts'

/** What receiving a Logout Token takes. */
export interface BackChannelSettings {
  /** The registrations that a token may be for. */
  readonly clients: readonly { readonly logoutToken: LogoutTokenSettings }[]
}

/** Answers a Logout Token. */
export async function answerBackChannelLogout(
  { clients }: BackChannelSettings,
  exchange: Exchange,
): Promise<OidcResponse> {
  const token = (await exchange.form()).get('logout_token') ?? ''
  for (const { logoutToken } of clients) await readLogoutToken(logoutToken, token)
  return { status: 501, headers: { 'cache-control': 'no-store' }, body: '' }
}
