/**
 * The Relying Party: wires its parts once, and answers each request.
 *
 * @module
 */

import { type Administration, createAdministration } from './administration.ts'
import { type Clock, systemClock } from './base/clock.ts'
import { toError } from './base/thrown.ts'
import { type AnyOptions, type Config, readConfig } from './config.ts'
import { createContext, type Oidc } from './context.ts'
import { answerError } from './error-response.ts'
import { AuthenticationResponseError, OidcError } from './errors.ts'
import type { Emit } from './events.ts'
import type { Exchange, OidcResponse } from './exchange.ts'
import {
  type Handshake,
  type HandshakeOptions,
  type OpenSession,
  readHandshake,
} from './handshake.ts'
import { empty } from './http/responses.ts'
import { createCallback } from './login/callback.ts'
import type { Registration } from './registration.ts'
import { buildRoutes, type FoundRoute, type Route } from './routes.ts'
import { buildUser, type Claims, type Session, type UserClaims } from './session/session.ts'
import { fetchUserInfo } from './tokens/userinfo.ts'
import { createWiring, type Wiring } from './wiring.ts'

/**
 * What a request is: answered, since it is one of ours or since nobody can tell who sends it, or the
 * app's, with its End-User.
 */
export type Received<User extends Claims = UserClaims> =
  | { readonly response: OidcResponse; readonly oidc?: undefined }
  | { readonly oidc: Oidc<User>; readonly response?: undefined }

/** One app as a client of an OpenID Provider, or of several. */
export interface RelyingParty<User extends Claims = UserClaims> {
  /** The issuer identifier of its provider, of the first one where there are several. */
  readonly issuer: string
  /** The path of `baseUrl` without a trailing slash: `''` or `/app`. */
  readonly basePath: string
  /** Our routes, below `baseUrl`, for adapters of frameworks that register routes. */
  readonly routes: readonly Pick<Route, 'methods' | 'path'>[]
  /** Whether it is a request to one of our routes. */
  owns(exchange: Exchange): boolean
  /** Answers a request to one of our routes, or gives the End-User of any other request. */
  receive(exchange: Exchange): Received<User> | Promise<Received<User>>
  /** The same for adapters of frameworks that tell our routes from the app's: for requests to the app's. */
  open(exchange: Exchange): Received<User> | Promise<Received<User>>
  /** The sessions of all End-Users, for administrators. */
  readonly sessions: Administration
  /**
   * The session of a WebSocket handshake, for an `upgrade` handler: `undefined` for an anonymous
   * End-User, and for a page whose `Origin` is neither that of `baseUrl` nor one of `origins`.
   *
   * @see RFC 6455, 10.2
   * @throws ConfigurationError for one of `origins` that is none
   * @throws SessionError `ERR_SESSION_STORE`
   */
  session(
    incomingMessage: Handshake,
    options?: HandshakeOptions,
  ): Promise<OpenSession<User> | undefined>
  /**
   * Makes sure that the provider can be reached and the keys can be had, for those who want to fail fast.
   *
   * @throws ProviderError, KeyError
   */
  ready(): Promise<void>
  /** Lets go of what the key sources hold. */
  close(): Promise<void>
}

const wirings = new WeakMap<object, Wiring>()

/** The parts of a Relying Party, for `testing.ts`. @internal */
export function findWiring(relyingParty: object): Wiring | undefined {
  return wirings.get(relyingParty)
}

/**
 * Creates a Relying Party. Options are read once; no request is made.
 *
 * @throws ConfigurationError with every fault of the options
 */
export function createRelyingParty<User extends Claims = UserClaims>(
  options: AnyOptions,
): RelyingParty<User> {
  const clock = systemClock
  const emit = createEmit(options)
  return wire(readConfig(options, { clock, emit }), { clock, emit })
}

function wire<User extends Claims>(
  config: Config,
  parts: { clock: Clock; emit: Emit },
): RelyingParty<User> {
  const wiring = createWiring(config, parts)
  const callback = createCallback({
    ...wiring,
    baseUrl: config.baseUrl,
    enrich: (client, redeemed, request) => enrich(config, client, { ...redeemed, ...request }),
  })
  const routes = buildRoutes(wiring, callback)
  const findRoute = ({ target }: Exchange) => routes.find(target)

  function openSession(exchange: Exchange): Received<User> | Promise<Received<User>> {
    const handle = wiring.store.open(exchange)
    const loading = handle.load()
    if (!loading) return { oidc: createContext<User>(wiring, exchange) }
    return loading.then(async () => {
      const { failure } = handle
      if (failure && config.session.storeFailure === 'refuse') {
        return { response: await answerError(wiring, { exchange, error: failure, isLogin: false }) }
      }
      return { oidc: createContext<User>(wiring, exchange) }
    })
  }

  const relyingParty: RelyingParty<User> = {
    issuer: wiring.registrations.all[0]?.issuer ?? '',
    basePath: config.baseUrl.path,
    routes: routes.list,
    owns: (exchange) => findRoute(exchange) !== undefined,
    receive(exchange) {
      const found = findRoute(exchange)
      if (!found) return openSession(exchange)
      return answer(wiring, found, exchange).then((response) => ({ response }))
    },
    open(exchange) {
      // What a route of ours needs it opens itself
      if (findRoute(exchange)) return { oidc: createContext<User>(wiring, exchange) }
      return openSession(exchange)
    },
    sessions: createAdministration(wiring),
    session: async (incomingMessage, options = {}) =>
      await readHandshake<User>(wiring, incomingMessage, options),
    async ready() {
      for (const { provider, keyRing, decryptionRing } of wiring.registrations.all) {
        await provider.metadata()
        await keyRing?.current()
        await decryptionRing?.usable()
      }
    },
    async close() {
      await wiring.registrations.close()
    },
  }
  wirings.set(relyingParty, wiring)
  return Object.freeze(relyingParty)
}

/** Events tell; whoever listens cannot break a login. */
function createEmit({ onEvent }: AnyOptions): Emit {
  return (event) => {
    try {
      const told: unknown = onEvent?.(event)
      // An async listener that fails would end the process
      if (told instanceof Promise) told.catch(() => {})
    } catch {
      // The listener's fault, and there is nobody to tell
    }
  }
}

async function answer(
  wiring: Wiring,
  { route, provider }: FoundRoute,
  exchange: Exchange,
): Promise<OidcResponse> {
  const allowed = route.methods.flatMap((name) => (name === 'GET' ? ['GET', 'HEAD'] : [name]))
  if (exchange.method === 'OPTIONS') return withAllow(empty(204), allowed)
  if (!allowed.includes(exchange.method)) return withAllow(empty(405), allowed)
  try {
    if (route.opensSession) await wiring.store.open(exchange, { isUse: false }).load()
    return await route.answer(exchange, provider)
  } catch (error) {
    if (!(error instanceof OidcError)) throw toError(error)
    const isLogin = route.name === 'login' || route.name === 'callback'
    return await answerError(wiring, { exchange, error, isLogin, provider })
  }
}

function withAllow(response: OidcResponse, allowed: readonly string[]): OidcResponse {
  return { ...response, headers: { ...response.headers, allow: allowed.join(', ') } }
}

interface Enrichable {
  readonly claims: Session['claims']
  readonly tokens: { readonly accessToken: string; readonly scope?: string | undefined }
  readonly returnTo: string
  readonly exchange: Exchange
}

/** Adds UserInfo, and what the app has to add or to object. */
async function enrich(
  { onLogin }: Config,
  { id, provider, fetchesUserInfo }: Pick<Registration, 'id' | 'provider' | 'fetchesUserInfo'>,
  { claims, tokens, returnTo, exchange }: Enrichable,
): Promise<Claims | undefined> {
  const { accessToken, scope } = tokens
  const userInfo = fetchesUserInfo
    ? await fetchUserInfo(provider, accessToken, claims.sub)
    : undefined
  if (!onLogin) return userInfo
  const user = buildUser({ id: '', createdAt: 0, seenAt: 0, claims, extra: userInfo })
  const named = id === '' ? {} : { provider: id }
  const added = await onLogin({ user, claims, accessToken, scope, returnTo, exchange, ...named })
  if (added === false) {
    throw new AuthenticationResponseError('ERR_LOGIN_REFUSED', 'the "onLogin" hook refused')
  }
  return userInfo || added ? { ...userInfo, ...added } : undefined
}
