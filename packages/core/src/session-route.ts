/**
 * Who is signed in and until when, for single-page apps. Never a token.
 *
 * @module
 */

import type { Exchange, OidcResponse } from './exchange.ts'
import { buildLoginUrl } from './provider-choice.ts'
import { buildForeign, buildUnauthenticated } from './refusals.ts'
import { endOf } from './session/lifetime.ts'
import { buildUser } from './session/session.ts'
import type { Wiring } from './wiring.ts'

/** Answers with the End-User as JSON, or with 401. Looking does not count as using the session. */
export async function answerSession(wiring: Wiring, exchange: Exchange): Promise<OidcResponse> {
  const { config, store, clock } = wiring
  // No page of another site can read the answer, and none has a reason to ask (Fetch Metadata)
  if (exchange.header('sec-fetch-site') === 'cross-site') return withHeaders(buildForeign())
  const handle = store.open(exchange, { isUse: false })
  if (handle.failure) throw handle.failure
  const session = handle.read()
  // What a guard would say to a script
  if (!session || session.tokens?.isRefused) {
    return withHeaders(buildUnauthenticated(wiring, buildLoginUrl(wiring, session?.provider)))
  }
  const { logout } = config.routes
  const endsAt = endOf(session, config.session.lifetimes)
  const body = {
    user: buildUser(session),
    ...(session.provider !== undefined && { provider: session.provider }),
    ends_at: endsAt,
    // The clock of a browser may be wrong
    ends_in: endsAt - clock.now(),
    ...(logout !== false && { logout_url: config.baseUrl.origin + config.baseUrl.path + logout }),
  }
  return withHeaders({
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}

/** Not kept by caches, and not taken for a script or an image by a page of another origin. */
function withHeaders(response: OidcResponse): OidcResponse {
  return {
    ...response,
    headers: {
      ...response.headers,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
    },
  }
}
