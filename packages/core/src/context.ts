/**
 * What a handler sees of OpenID Connect: `req.oidc`, `ctx.oidc`, `request.oidc`.
 *
 * It is made for every request and opens nothing before something is read.
 *
 * @module
 */

import { toError } from './base/thrown.ts'
import { readReturnTo } from './base/url.ts'
import { answerError } from './error-response.ts'
import { OidcError, SessionError } from './errors.ts'
import type { Exchange, OidcResponse } from './exchange.ts'
import { checkStarted } from './http/cookies.ts'
import { isFromOneOf, isHandshake } from './http/origin.ts'
import { empty } from './http/responses.ts'
import { type AuthorizationParameters, startLogin } from './login/authentication-request.ts'
import { isNavigation, isPrefetch } from './login/negotiation.ts'
import { startLogout } from './logout/rp-initiated.ts'
import {
  buildForbidden,
  buildForeign,
  buildInsufficient,
  buildUnauthenticated,
} from './refusals.ts'
import { findStepUp, hasClaims, type Requirements } from './requirements.ts'
import { secondsLeft } from './session/lifetime.ts'
import {
  buildUser,
  type Claims,
  type IdTokenClaims,
  type Session,
  type UserClaims,
} from './session/session.ts'
import type { SessionHandle } from './session/store.ts'
import { fetchUserInfo } from './tokens/userinfo.ts'
import type { Wiring } from './wiring.ts'

/** What a handler may start a login with. */
export interface LoginOptions {
  /** Where to go on afterwards: a path on `baseUrl`. Default: this very request's. */
  readonly returnTo?: string
  /** More wire parameters for this login. */
  readonly authorization?: AuthorizationParameters
}

/** What a handler may start a logout with. */
export interface LogoutOptions {
  /** Where to go on afterwards: a path on `baseUrl` that is registered with the provider. Default `/`. */
  readonly returnTo?: string
  /** Whether the session at the provider is left alone. Default `false`. */
  readonly local?: boolean
}

/** The End-User of one request. */
export interface Oidc<User extends Claims = UserClaims> {
  readonly isAuthenticated: boolean
  /** Claims about the End-User, UserInfo included where asked for; `undefined` when anonymous. */
  readonly user: User | undefined
  /** All claims of the ID Token that are of use after login. */
  readonly claims: IdTokenClaims | undefined
  /** The ID Token, where `session.keep` has it. */
  readonly idToken: string | undefined
  /** The granted scope, where a token is kept. */
  readonly scope: string | undefined
  /** The provider's session id. */
  readonly sid: string | undefined
  /** When the access token expires, where it is kept. NumericDate. */
  readonly expiresAt: number | undefined
  /** When the session ends if it is not used until then. NumericDate. */
  readonly endsAt: number | undefined
  /**
   * A valid access token: refreshed when it has less than `minLifetime` seconds (default 30) left, if a
   * refresh token is kept.
   *
   * @throws SessionError `ERR_NOT_SIGNED_IN`, `ERR_TOKEN_NOT_KEPT`, `ERR_SESSION_ENDED`
   * @throws ProviderError
   */
  accessToken(options?: { readonly minLifetime?: number }): Promise<string>
  /** Refreshes the tokens now. */
  refresh(): Promise<void>
  /** Claims from the UserInfo Endpoint, fetched now. Its `sub` is checked. */
  userInfo(): Promise<Claims>
  /** Sends the End-User to sign in: the response is written. */
  login(options?: LoginOptions): Promise<void>
  /** Ends the session and sends the End-User on: the response is written. */
  logout(options?: LogoutOptions): Promise<void>
  /** The guard: a response to send, or `undefined` to let pass. */
  require(requirements?: Requirements<User>): Promise<OidcResponse | undefined>
}

/** What one request's view is made of. */
interface Parts {
  readonly wiring: Wiring
  readonly exchange: Exchange
}

const parts = Symbol('parts')

interface Context extends Oidc<Claims> {
  readonly [parts]: Parts
}

/** Creates the view of one request. */
export function createContext<User extends Claims>(wiring: Wiring, exchange: Exchange): Oidc<User> {
  const context = Object.create(members)
  context[parts] = { wiring, exchange } satisfies Parts
  return context
}

// One prototype for all requests: to build these members anew for each costs more than all they do
const members: Oidc<Claims> & Readonly<Record<symbol, unknown>> & ThisType<Context> = {
  get isAuthenticated() {
    return open(this[parts]).read() !== undefined
  },
  get user() {
    const session = open(this[parts]).read()
    return session && buildUser(session)
  },
  get claims() {
    return open(this[parts]).read()?.claims
  },
  get idToken() {
    return open(this[parts]).read()?.tokens?.idToken
  },
  get scope() {
    return open(this[parts]).read()?.tokens?.scope
  },
  get sid() {
    return open(this[parts]).read()?.claims.sid
  },
  get expiresAt() {
    return open(this[parts]).read()?.tokens?.expiresAt
  },
  get endsAt() {
    const { lifetimes } = this[parts].wiring.config.session
    const session = open(this[parts]).read()
    return session && session.seenAt + secondsLeft(session, lifetimes)
  },
  async accessToken(options) {
    return await readAccessToken(this[parts], options)
  },
  async refresh() {
    await refresh(this[parts])
  },
  async userInfo() {
    const { claims } = readSession(this[parts])
    const accessToken = await readAccessToken(this[parts])
    return await fetchUserInfo(this[parts].wiring.provider, accessToken, claims.sub)
  },
  async login(options) {
    const { exchange } = this[parts]
    await exchange.send(await login(this[parts], options))
  },
  async logout({ returnTo, local = false } = {}) {
    const { wiring, exchange } = this[parts]
    const request = { returnTo: readReturnTo(returnTo, wiring.config.baseUrl), local }
    const session = open(this[parts])
    await exchange.send(await startLogout(wiring.logout, { exchange, session }, request))
  },
  async require(requirements) {
    try {
      return await requireLogin(this[parts], requirements)
    } catch (thrown) {
      throw toError(thrown)
    }
  },
  // A request that is dumped into a log must not bring our configuration along
  [Symbol.for('nodejs.util.inspect.custom')](this: Context) {
    return { isAuthenticated: this.isAuthenticated }
  },
}

function open({ wiring, exchange }: Parts): SessionHandle {
  return wiring.store.open(exchange)
}

function readSession(request: Parts): Session {
  const session = open(request).read()
  if (session) return session
  throw new SessionError('ERR_NOT_SIGNED_IN', 'nobody is signed in')
}

async function refresh(request: Parts): Promise<string> {
  const { wiring } = request
  const session = readSession(request)
  const refreshToken = session.tokens?.refreshToken
  if (refreshToken === undefined) {
    throw new SessionError(
      session.tokens?.accessToken === undefined ? 'ERR_TOKEN_NOT_KEPT' : 'ERR_SESSION_ENDED',
      'there is no refresh token: ask for the scope "offline_access" and add "refreshToken" to ' +
        '"session.keep"',
    )
  }
  // New tokens that cannot be kept would be lost, and the old ones used up
  checkStarted(request.exchange)
  if (isHandshake(request.exchange)) {
    throw new SessionError(
      'ERR_RESPONSE_STARTED',
      'a WebSocket has no response to keep new tokens in',
    )
  }
  const tokens = await wiring.refresh(session, refreshToken)
  // A logout meanwhile is the last word
  if (open(request).read()?.id !== session.id) {
    throw new SessionError('ERR_SESSION_ENDED', 'the session ended while its tokens were refreshed')
  }
  open(request).write({ ...session, tokens: wiring.keepTokens(tokens) })
  return tokens.accessToken ?? ''
}

const defaultMinLifetime = 30

async function readAccessToken(
  request: Parts,
  { minLifetime = defaultMinLifetime }: { readonly minLifetime?: number } = {},
): Promise<string> {
  const { accessToken, expiresAt } = readSession(request).tokens ?? {}
  if (accessToken === undefined) {
    throw new SessionError(
      'ERR_TOKEN_NOT_KEPT',
      'there is no access token: add "accessToken" to "session.keep"',
    )
  }
  const now = request.wiring.clock.now()
  const isFresh = expiresAt === undefined || expiresAt - now >= minLifetime
  return isFresh ? accessToken : await refresh(request)
}

async function login(
  { wiring, exchange }: Parts,
  { returnTo, authorization }: LoginOptions = {},
  stepUp?: Missing,
): Promise<OidcResponse> {
  const target = wiring.readReturnTo(returnTo ?? wiring.externalPath(exchange.target))
  try {
    return await startLogin(wiring.login, exchange, { returnTo: target, authorization, ...stepUp })
  } catch (error) {
    if (!(error instanceof OidcError)) throw error
    return await answerError(wiring, { exchange, error, isLogin: true })
  }
}

async function requireLogin(
  request: Parts,
  requirements: Requirements<Claims> = {},
): Promise<OidcResponse | undefined> {
  const { wiring, exchange } = request
  const session = open(request).read()
  if (!session) {
    // What nobody has asked for yet starts no login
    if (isPrefetch(exchange)) return empty(503)
    return isNavigation(exchange) ? await login(request) : buildUnauthenticated(wiring)
  }
  if (isHandshake(exchange) && !isFromOneOf([wiring.config.baseUrl.origin], exchange)) {
    return buildForeign()
  }
  const missing = findStepUp(session, requirements, wiring.clock.now())
  if (missing) {
    if (isPrefetch(exchange)) return empty(503)
    if (!isNavigation(exchange)) return buildInsufficient(requirements)
    return await login(request, {}, missing)
  }
  const isWelcome = await hasClaims(buildUser(session), requirements.claims)
  return isWelcome ? undefined : buildForbidden(exchange)
}

type Missing = NonNullable<ReturnType<typeof findStepUp>>
