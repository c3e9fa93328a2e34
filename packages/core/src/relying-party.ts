/**
 * The Relying Party: wires its parts once, and answers each request.
 *
 * @module
 */

import { type Clock, systemClock } from './base/clock.ts'
import { toError } from './base/thrown.ts'
import { type Config, readConfig } from './config.ts'
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
import type { Options } from './options.ts'
import { buildRoutes, type Route } from './routes.ts'
import { buildUser, type Claims, type Session, type UserClaims } from './session/session.ts'
import { fetchUserInfo } from './tokens/userinfo.ts'
import { createWiring, type Wiring } from './wiring.ts'

/** What a request is: one of ours, answered, or the app's, with its End-User. */
export type Received<User extends Claims = UserClaims> =
  | { readonly response: OidcResponse; readonly oidc?: undefined }
  | { readonly oidc: Oidc<User>; readonly response?: undefined }

/** One app as one client of one OpenID Provider. */
export interface RelyingParty<User extends Claims = UserClaims> {
  /** The issuer identifier of its provider. */
  readonly issuer: string
  /** The path of `baseUrl` without a trailing slash: `''` or `/app`. */
  readonly basePath: string
  /** Our routes, below `baseUrl`, for adapters of frameworks that register routes. */
  readonly routes: readonly Pick<Route, 'methods' | 'path'>[]
  /** Whether it is a request to one of our routes. */
  owns(exchange: Exchange): boolean
  /** Answers a request to one of our routes, or gives the End-User of any other request. */
  receive(exchange: Exchange): Received<User> | Promise<Received<User>>
  /** The End-User of any request, for adapters of frameworks that tell our routes from the app's. */
  open(exchange: Exchange): Oidc<User>
  /**
   * The session of a WebSocket handshake, for an `upgrade` handler: `undefined` for an anonymous
   * End-User, and for a page whose `Origin` is neither that of `baseUrl` nor one of `origins`.
   *
   * @see RFC 6455, 10.2
   * @throws ConfigurationError for one of `origins` that is none
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
  options: Options,
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
    enrich: (exchange, redeemed, transaction) => {
      const { returnTo } = transaction
      return enrich(wiring, { ...redeemed, returnTo, exchange })
    },
  })
  const routes = buildRoutes(wiring, callback)
  const byPath = new Map(routes.map((route) => [route.path, route]))
  const findRoute = ({ target }: Exchange) => byPath.get(wiring.internalPath(target))

  const relyingParty: RelyingParty<User> = {
    issuer: config.issuer,
    basePath: config.baseUrl.path,
    routes: routes.map(({ methods, path }) => ({ methods, path })),
    owns: (exchange) => findRoute(exchange) !== undefined,
    receive(exchange) {
      const route = findRoute(exchange)
      if (!route) return { oidc: createContext<User>(wiring, exchange) }
      return answer(wiring, route, exchange).then((response) => ({ response }))
    },
    open: (exchange) => createContext<User>(wiring, exchange),
    session: async (incomingMessage, options = {}) =>
      readHandshake<User>(wiring, incomingMessage, options),
    async ready() {
      await wiring.provider.metadata()
      await wiring.keyRing?.current()
      await wiring.decryptionRing?.usable()
    },
    async close() {
      await Promise.all([wiring.keyRing?.close(), wiring.decryptionRing?.close()])
    },
  }
  wirings.set(relyingParty, wiring)
  return Object.freeze(relyingParty)
}

/** Events tell; whoever listens cannot break a login. */
function createEmit({ onEvent }: Options): Emit {
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

async function answer(wiring: Wiring, route: Route, exchange: Exchange): Promise<OidcResponse> {
  const allowed = route.methods.flatMap((name) => (name === 'GET' ? ['GET', 'HEAD'] : [name]))
  if (exchange.method === 'OPTIONS') return withAllow(empty(204), allowed)
  if (!allowed.includes(exchange.method)) return withAllow(empty(405), allowed)
  try {
    return await route.answer(exchange)
  } catch (error) {
    if (!(error instanceof OidcError)) throw toError(error)
    const isLogin = route.name === 'login' || route.name === 'callback'
    return await answerError(wiring, { exchange, error, isLogin })
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
  { config, provider }: Wiring,
  { claims, tokens, returnTo, exchange }: Enrichable,
): Promise<Claims | undefined> {
  const { accessToken, scope } = tokens
  const userInfo = config.userInfo
    ? await fetchUserInfo(provider, accessToken, claims.sub)
    : undefined
  if (!config.onLogin) return userInfo
  const user = buildUser({ id: '', createdAt: 0, seenAt: 0, claims, extra: userInfo })
  const added = await config.onLogin({ user, claims, accessToken, scope, returnTo, exchange })
  if (added === false) {
    throw new AuthenticationResponseError('ERR_LOGIN_REFUSED', 'the "onLogin" hook refused')
  }
  return userInfo || added ? { ...userInfo, ...added } : undefined
}
