/**
 * Who is signed in and until when, for single-page apps. Never a token.
 *
 * @module
 */

import type { Exchange, OidcResponse } from './exchange.ts'
import { buildUnauthenticated } from './refusals.ts'
import { endOf } from './session/lifetime.ts'
import { buildUser } from './session/session.ts'
import type { Wiring } from './wiring.ts'

/** Answers with the End-User as JSON, or with 401. Looking does not count as using the session. */
export async function answerSession(wiring: Wiring, exchange: Exchange): Promise<OidcResponse> {
  const { config, store } = wiring
  const handle = store.open(exchange, { isUse: false })
  if (handle.failure) throw handle.failure
  const session = handle.read()
  if (!session) return buildUnauthenticated(wiring)
  const { logout } = config.routes
  const body = {
    user: buildUser(session),
    ends_at: endOf(session, config.session.lifetimes),
    ...(session.provider !== undefined && { provider: session.provider }),
    ...(logout !== false && { logout_url: config.baseUrl.origin + config.baseUrl.path + logout }),
  }
  return {
    status: 200,
    headers: {
      'cache-control': 'no-store',
      'content-type': 'application/json',
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
    },
    body: JSON.stringify(body),
  }
}
