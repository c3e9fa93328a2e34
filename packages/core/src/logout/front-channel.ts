/**
 * Front-channel logout: the provider says in a frame of the End-User's browser that a session has ended.
 *
 * @see OpenID Connect Front-Channel Logout 1.0, 3
 *
 * @module
 */

import type { Exchange, OidcResponse } from '../exchange.ts'

/** Answers the request of such a frame. */
export async function answerFrontChannelLogout(_exchange: Exchange): Promise<OidcResponse> {
  return { status: 501, headers: { 'cache-control': 'no-store' }, body: '' }
}
