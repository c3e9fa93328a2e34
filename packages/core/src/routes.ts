/**
 * The routes of a Relying Party: one table, from which adapters register and requests are answered.
 *
 * @module
 */

import { tellError } from './error-response.ts'
import { type OidcError, TransactionError } from './errors.ts'
import type { Exchange, OidcResponse } from './exchange.ts'
import { empty } from './http/responses.ts'
import { buildJwkSet } from './keys/jwk-set.ts'
import { startLogin } from './login/authentication-request.ts'
import type { Callback } from './login/callback.ts'
import { isLoginNavigation, isPrefetch } from './login/negotiation.ts'
import { answerBackChannelLogout } from './logout/back-channel.ts'
import { answerFrontChannelLogout } from './logout/front-channel.ts'
import { checkSameSite, startLogout } from './logout/rp-initiated.ts'
import type { RoutesOption } from './options.ts'
import { buildChoice, buildLoginUrl } from './provider-choice.ts'
import { routesOfProviders } from './providers-config.ts'
import { buildUnauthenticated } from './refusals.ts'
import type { Registration } from './registration.ts'
import { unknownProvider } from './registrations.ts'
import { answerSession } from './session-route.ts'
import type { Wiring } from './wiring.ts'

/** A route of ours: where it is, what it takes, and how it answers. */
export interface Route {
  readonly name: keyof RoutesOption
  /** Below `baseUrl`. */
  readonly path: string
  /** HEAD is answered as GET is. */
  readonly methods: readonly ('GET' | 'POST')[]
  /** Whether the session is asked for. That does not count as using it. */
  readonly opensSession: boolean
  /** `provider` is what the path names below the route, where the app has several. */
  answer(exchange: Exchange, provider: string | undefined): Promise<OidcResponse>
}

/** The route of a request. */
export interface FoundRoute {
  readonly route: Route
  readonly provider: string | undefined
}

/** Our routes. */
export interface Routes {
  /** For frameworks that register them; `:provider` stands for the id of any. */
  readonly list: readonly Pick<Route, 'methods' | 'path'>[]
  find(target: string): FoundRoute | undefined
}

/** Builds the table. A route that is switched off is not in it. */
export function buildRoutes(wiring: Wiring, callback: Callback): Routes {
  const { routes, hasSeveral } = wiring.config
  const table: Route[] = []
  const add = (
    name: Route['name'],
    { methods, opensSession = true, answer }: Pick<Route, 'methods' | 'answer'> & Partial<Route>,
  ) => {
    const path = routes[name]
    if (path !== false) table.push({ name, path, methods, opensSession, answer })
  }
  add('login', { methods: ['GET'], answer: (...request) => answerLogin(wiring, ...request) })
  add('callback', {
    methods: ['GET', 'POST'],
    answer: (...request) => answerCallback(wiring, callback, ...request),
  })
  add('logout', { methods: ['GET', 'POST'], answer: (exchange) => answerLogout(wiring, exchange) })
  if (hasKeys(wiring)) {
    const answer: Route['answer'] = (...request) => answerJwkSet(wiring, ...request)
    add('jwks', { methods: ['GET'], opensSession: false, answer })
  }
  add('backchannelLogout', {
    methods: ['POST'],
    opensSession: false,
    answer: (exchange, named) => {
      const clients = () => findClients(wiring, named)
      const tell = (error: OidcError) => tellError(wiring.emit, 'request.refused', error)
      return answerBackChannelLogout({ ...wiring, clients, tell }, exchange)
    },
  })
  add('frontchannelLogout', {
    methods: ['GET'],
    answer: async (exchange, named) => {
      const clients = await findClients(wiring, named)
      const session = wiring.store.open(exchange)
      const isCookieCrossSite = wiring.config.session.cookie.sameSite === 'none'
      const request = { clients, query: readQuery(exchange), session, isCookieCrossSite }
      return await answerFrontChannelLogout({ ...wiring, ...request }, exchange)
    },
  })
  add('session', { methods: ['GET'], answer: (exchange) => answerSession(wiring, exchange) })
  const byName = new Map(table.map((route) => [route.name, route]))
  const below = (route: Route) => hasSeveral && routesOfProviders.includes(route.name)
  return {
    list: table.flatMap((route) => {
      const { methods, path } = route
      return below(route)
        ? [
            { methods, path },
            { methods, path: `${path}/:provider` },
          ]
        : [{ methods, path }]
    }),
    find(target) {
      const { name, provider } = wiring.findOwnPath(target) ?? {}
      const route = name && byName.get(name)
      return route && { route, provider }
    },
  }
}

/** The registration that a path names, or all that are known. */
async function findClients(
  { registrations }: Wiring,
  named: string | undefined,
): Promise<readonly Registration[]> {
  if (named === undefined) return registrations.all
  return [(await registrations.find(named)) ?? unknownProvider(named)]
}

/** Whether there are keys to publish, as far as that is known: those of providers that are looked up may. */
function hasKeys({ registrations, config }: Wiring): boolean {
  const { all } = registrations
  return (
    config.lookup !== undefined ||
    all.some(({ keyRing, decryptionRing }) => keyRing !== undefined || decryptionRing !== undefined)
  )
}

async function answerLogin(
  wiring: Wiring,
  exchange: Exchange,
  named: string | undefined,
): Promise<OidcResponse> {
  if (isPrefetch(exchange)) return refusePrefetch()
  if (!isLoginNavigation(exchange)) {
    return buildUnauthenticated(wiring, buildLoginUrl(wiring, named))
  }
  const query = readQuery(exchange)
  const returnTo = wiring.readReturnTo(
    query.get('returnTo') ?? query.get('target_link_uri') ?? undefined,
  )
  const iss = query.get('iss')
  const registration = await wiring.registrations.choose(exchange, named ?? findId(wiring, iss))
  if (iss !== null) checkInitiated(registration ? [registration] : wiring.registrations.all, iss)
  if (!registration) return buildChoice(wiring, returnTo)
  wiring.logout.signedOut.forget(exchange)
  const loginHint = query.get('login_hint')
  return await startLogin(registration.login, exchange, {
    returnTo,
    ...(loginHint !== null && { authorization: { login_hint: loginHint } }),
  })
}

/** A login that a third party initiates names the provider. @see OpenID Connect Core 1.0, 4 */
function findId({ registrations, config }: Wiring, iss: string | null): string | undefined {
  if (iss === null || !config.hasSeveral) return undefined
  const [found, another] = registrations.all.filter(({ issuer }) => issuer === iss)
  // This app may be several clients of one provider
  return another ? undefined : found?.id
}

function checkInitiated(offered: readonly Registration[], iss: string): void {
  if (offered.some(({ issuer }) => issuer === iss)) return
  throw new TransactionError('ERR_LOGIN_REQUEST', '"iss" asks for a provider that is not ours', {
    reason: 'mismatch',
  })
}

async function answerCallback(
  { registrations }: Wiring,
  callback: Callback,
  exchange: Exchange,
  named: string | undefined,
): Promise<OidcResponse> {
  if (isPrefetch(exchange)) return refusePrefetch()
  const client = (await registrations.choose(exchange, named ?? '')) ?? unknownProvider('')
  const isPost = exchange.method === 'POST'
  return await callback(client, exchange, isPost ? await exchange.form() : readQuery(exchange))
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
  wiring: Wiring,
  exchange: Exchange,
  named: string | undefined,
): Promise<OidcResponse> {
  const publishers = (await findClients(wiring, named))
    .flatMap(({ keyRing, decryptionRing }) => [keyRing, decryptionRing])
    .filter((keys) => keys !== undefined)
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
