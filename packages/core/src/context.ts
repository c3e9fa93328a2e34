/**
 * What a handler sees of OpenID Connect: `req.oidc`, `ctx.oidc`, `request.oidc`.
 *
 * It is made for every request and opens nothing before something is read.
 *
 * @module
 */

import { readReturnTo } from './base/url.ts'
import { answerError } from './error-response.ts'
import { OidcError, SessionError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import type { OidcResponse } from './http/responses.ts'
import { type AuthorizationParameters, startLogin } from './login/authentication-request.ts'
import { isNavigation } from './login/negotiation.ts'
import { startLogout } from './logout/rp-initiated.ts'
import { buildForbidden, buildInsufficient, buildUnauthenticated } from './refusals.ts'
import { findStepUp, hasClaims, type Requirements } from './requirements.ts'
import {
  buildUser,
  type Claims,
  type IdTokenClaims,
  type Session,
  type UserClaims,
} from './session/session.ts'
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
  /** Starts a login. The adapter writes the response. */
  login(options?: LoginOptions): Promise<OidcResponse>
  /** Ends the session. The adapter writes the response. */
  logout(options?: LogoutOptions): Promise<OidcResponse>
  /** The guard: a response to send, or `undefined` to let pass. */
  require(requirements?: Requirements<User>): Promise<OidcResponse | undefined>
}

const defaultMinLifetime = 30

/** Creates the view of one request. */
export function createContext<User extends Claims>(wiring: Wiring, exchange: Exchange): Oidc<User> {
  const session = wiring.store.open(exchange)

  function readSession(): Session {
    const current = session.read()
    if (current) return current
    throw new SessionError('ERR_NOT_SIGNED_IN', 'nobody is signed in')
  }

  async function refresh(): Promise<string> {
    const current = readSession()
    const refreshToken = current.tokens?.refreshToken
    if (refreshToken === undefined) {
      throw new SessionError(
        current.tokens?.accessToken === undefined ? 'ERR_TOKEN_NOT_KEPT' : 'ERR_SESSION_ENDED',
        'there is no refresh token: ask for the scope "offline_access" and add "refreshToken" to ' +
          '"session.keep"',
      )
    }
    const tokens = await wiring.refresh(current, refreshToken)
    session.write({ ...current, tokens: wiring.keepTokens(tokens) })
    return tokens.accessToken ?? ''
  }

  async function accessToken({ minLifetime = defaultMinLifetime } = {}): Promise<string> {
    const { accessToken: token, expiresAt } = readSession().tokens ?? {}
    if (token === undefined) {
      throw new SessionError(
        'ERR_TOKEN_NOT_KEPT',
        'there is no access token: add "accessToken" to "session.keep"',
      )
    }
    const isFresh = expiresAt === undefined || expiresAt - wiring.clock.now() >= minLifetime
    return isFresh ? token : await refresh()
  }

  async function login(options: LoginOptions = {}, stepUp = {}): Promise<OidcResponse> {
    const returnTo = wiring.readReturnTo(options.returnTo ?? wiring.externalPath(exchange.target))
    const { authorization } = options
    try {
      return await startLogin(wiring.login, exchange, { returnTo, authorization, ...stepUp })
    } catch (error) {
      if (!(error instanceof OidcError)) throw error
      return await answerError(wiring, { exchange, error, isLogin: true })
    }
  }

  return {
    get isAuthenticated() {
      return session.read() !== undefined
    },
    get user() {
      const current = session.read()
      // What the claims are is between the app and its provider
      return current && (buildUser(current) as User)
    },
    get claims() {
      return session.read()?.claims
    },
    get idToken() {
      return session.read()?.tokens?.idToken
    },
    get scope() {
      return session.read()?.tokens?.scope
    },
    get sid() {
      return session.read()?.claims.sid
    },
    get expiresAt() {
      return session.read()?.tokens?.expiresAt
    },
    accessToken,
    async refresh() {
      await refresh()
    },
    async userInfo() {
      const { claims } = readSession()
      return await fetchUserInfo(wiring.provider, await accessToken(), claims.sub)
    },
    login: (options) => login(options),
    async logout({ returnTo, local = false } = {}) {
      const request = { returnTo: readReturnTo(returnTo, wiring.config.baseUrl), local }
      return await startLogout(wiring.logout, { exchange, session }, request)
    },
    async require(requirements = {}) {
      const current = session.read()
      if (!current) {
        return isNavigation(exchange) ? await login() : buildUnauthenticated(wiring)
      }
      const missing = findStepUp(current, requirements, wiring.clock.now())
      if (missing) {
        if (!isNavigation(exchange)) return buildInsufficient(requirements)
        return await login({ authorization: buildStepUpParameters(missing) }, missing)
      }
      const isWelcome = await hasClaims(buildUser(current) as User, requirements.claims)
      return isWelcome ? undefined : buildForbidden(exchange)
    },
  }
}

type Missing = NonNullable<ReturnType<typeof findStepUp>>

function buildStepUpParameters({ stepUp }: Missing): AuthorizationParameters {
  return {
    ...(stepUp.acr && { acr_values: stepUp.acr.join(' ') }),
    // No parameter asks for a method: only a new sign-in gives the choice of one
    ...(stepUp.amr && { prompt: 'login' }),
  }
}
