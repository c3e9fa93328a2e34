/**
 * How a guard says no to somebody whom a login would not help, or who cannot be sent to one.
 *
 * @module
 */

import { errorTexts } from './error-texts.ts'
import type { Exchange, OidcResponse } from './exchange.ts'
import { buildPage } from './http/page.ts'
import { problem } from './http/responses.ts'
import { prefersHtml } from './login/negotiation.ts'
import type { SignInRequirements } from './requirements.ts'
import type { Wiring } from './wiring.ts'

/** Nobody is signed in, and this client cannot be sent to the provider: says where to. */
export function buildUnauthenticated(
  { config, loginUrl: anywhere }: Wiring,
  loginUrl: string | undefined = anywhere,
): OidcResponse {
  return problem(
    401,
    {
      title: 'Sign-in is required',
      code: 'ERR_NOT_SIGNED_IN',
      ...(loginUrl !== undefined && { login_url: loginUrl }),
    },
    {
      'www-authenticate':
        `Cookie realm="${config.baseUrl.origin}"` +
        (loginUrl === undefined ? '' : `, form-action="${loginUrl}"`),
    },
  )
}

/** Not signed in strongly enough: the challenge names what would be. @see RFC 9470, 3 */
export function buildInsufficient({ acr, maxAge }: SignInRequirements): OidcResponse {
  const parameters = [
    'error="insufficient_user_authentication"',
    ...(acr === undefined ? [] : [`acr_values="${[acr].flat().join(' ')}"`]),
    ...(maxAge === undefined ? [] : [`max_age="${maxAge}"`]),
  ]
  return problem(
    401,
    { title: errorTexts.ERR_STEP_UP.title, code: 'ERR_STEP_UP' },
    { 'www-authenticate': `Cookie ${parameters.join(', ')}` },
  )
}

/** Signed in, but a page of another origin asks. @see RFC 6455, 10.2 */
export function buildForeign(): OidcResponse {
  const { status, title } = errorTexts.ERR_CROSS_SITE_REQUEST
  return problem(status, { title, code: 'ERR_CROSS_SITE_REQUEST' })
}

/** Signed in, but without the claims. */
export function buildForbidden(exchange: Exchange): OidcResponse {
  const { status, title, publicMessage } = errorTexts.ERR_FORBIDDEN
  return prefersHtml(exchange.header('accept'))
    ? buildPage({ status, title, text: publicMessage, actions: [] })
    : problem(status, { title, code: 'ERR_FORBIDDEN' })
}
