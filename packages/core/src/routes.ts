/**
 * The routes of a Relying Party: one table, from which adapters register and requests are answered.
 *
 * @module
 */

import { TransactionError } from './errors.ts'
import type { Exchange, OidcResponse } from './exchange.ts'
import { empty } from './http/responses.ts'
import { buildJwkSet, type Publisher } from './keys/jwk-set.ts'
import { startLogin } from './login/authentication-request.ts'
import type { Callback } from './login/callback.ts'
import { isLoginNavigation, isPrefetch } from './login/negotiation.ts'
import { checkSameSite, startLogout } from './logout/rp-initiated.ts'
import { buildUnauthenticated } from './refusals.ts'
import type { Wiring } from './wiring.ts'

/** A route of ours: where it is, what it takes, and how it answers. */
export interface Route {
  readonly name: 'login' | 'callback' | 'logout' | 'jwks'
  /** Below `baseUrl`. */
  readonly path: string
  /** HEAD is answered as GET is. */
  readonly methods: readonly ('GET' | 'POST')[]
  answer(exchange: Exchange): Promise<OidcResponse>
}

/** Builds the table. A route that is switched off is not in it. */
export function buildRoutes(wiring: Wiring, callback: Callback): readonly Route[] {
  const { routes } = wiring.config
  const table: Route[] = []
  const add = (
    name: Route['name'],
    methods: Route['methods'],
    answer: (exchange: Exchange) => Promise<OidcResponse>,
  ) => {
    const path = routes[name]
    if (path !== false) table.push({ name, path, methods, answer })
  }
  add('login', ['GET'], (exchange) => answerLogin(wiring, exchange))
  add('callback', ['GET', 'POST'], (exchange) => answerCallback(callback, exchange))
  add('logout', ['GET', 'POST'], (exchange) => answerLogout(wiring, exchange))
  const { keyRing, decryptionRing } = wiring
  const publishers = [keyRing, decryptionRing].filter((keys) => keys !== undefined)
  if (publishers.length > 0) add('jwks', ['GET'], (exchange) => answerJwkSet(publishers, exchange))
  return table
}

async function answerLogin(wiring: Wiring, exchange: Exchange): Promise<OidcResponse> {
  if (isPrefetch(exchange)) return refusePrefetch()
  if (!isLoginNavigation(exchange)) return buildUnauthenticated(wiring)
  const query = readQuery(exchange)
  checkInitiator(query.get('iss'), wiring.config.issuer)
  const returnTo = query.get('returnTo') ?? query.get('target_link_uri') ?? undefined
  const loginHint = query.get('login_hint')
  return await startLogin(wiring.login, exchange, {
    returnTo: wiring.readReturnTo(returnTo),
    ...(loginHint !== null && { authorization: { login_hint: loginHint } }),
  })
}

/** A login that a third party initiates names the provider. @see OpenID Connect Core 1.0, 4 */
function checkInitiator(iss: string | null, issuer: string): void {
  if (iss === null || iss === issuer) return
  throw new TransactionError('ERR_LOGIN_REQUEST', '"iss" asks for a provider that is not ours', {
    reason: 'mismatch',
  })
}

async function answerCallback(callback: Callback, exchange: Exchange): Promise<OidcResponse> {
  if (isPrefetch(exchange)) return refusePrefetch()
  const isPost = exchange.method === 'POST'
  return await callback(exchange, isPost ? await exchange.form() : readQuery(exchange))
}

async function answerLogout(wiring: Wiring, exchange: Exchange): Promise<OidcResponse> {
  if (isPrefetch(exchange)) return refusePrefetch()
  checkSameSite(exchange, wiring.config.baseUrl)
  const session = wiring.store.open(exchange)
  const returnTo = wiring.readReturnTo(readQuery(exchange).get('returnTo') ?? undefined)
  return await startLogout(wiring.logout, { exchange, session }, { returnTo, local: false })
}

/** Seconds. A key is to be published for longer than this before it signs. */
const jwkSetMaxAge = 300

async function answerJwkSet(
  publishers: readonly Publisher[],
  exchange: Exchange,
): Promise<OidcResponse> {
  const { body, etag } = await buildJwkSet(publishers)
  const headers = { 'cache-control': `public, max-age=${jwkSetMaxAge}`, etag }
  const known = exchange.header('if-none-match')
  if (known?.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag)) {
    return { status: 304, headers, body: '' }
  }
  return { status: 200, headers: { ...headers, 'content-type': 'application/jwk-set+json' }, body }
}

/** An answer that a browser does not keep for the navigation that may follow. */
function refusePrefetch(): OidcResponse {
  return empty(503)
}

function readQuery(exchange: Exchange): URLSearchParams {
  const { target } = exchange
  const start = target.indexOf('?')
  return new URLSearchParams(start === -1 ? '' : target.slice(start + 1))
}
