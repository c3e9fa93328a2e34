/**
 * What a handler sees of OpenID Connect: `req.oidc`, `ctx.oidc`, `request.oidc`.
 *
 * It is made for every request and opens nothing before something is read.
 *
 * @module
 */

import { readAccessToken, refreshTokens } from './access-token.ts'
import { toError } from './base/thrown.ts'
import { readReturnTo } from './base/url.ts'
import { open, type Parts, readSession } from './current-session.ts'
import type { Exchange, OidcResponse } from './exchange.ts'
import { type LoginOptions, login, requireLogin } from './guard.ts'
import { startLogout } from './logout/rp-initiated.ts'
import type { Requirements } from './requirements.ts'
import { endOf } from './session/lifetime.ts'
import { buildUser, type Claims, type IdTokenClaims, type UserClaims } from './session/session.ts'
import { fetchUserInfo } from './tokens/userinfo.ts'
import type { Wiring } from './wiring.ts'

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
  /** The id of the provider that signed the End-User in, where the app has several. */
  readonly provider: string | undefined
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
   * @throws SessionError `ERR_NOT_SIGNED_IN`, `ERR_TOKEN_NOT_KEPT`, `ERR_SESSION_ENDED`,
   *   `ERR_SIGN_IN_AGAIN`, `ERR_SESSION_STORE`
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
  get provider() {
    return open(this[parts]).read()?.provider
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
    return session && endOf(session, lifetimes)
  },
  async accessToken(options) {
    return await readAccessToken(this[parts], options)
  },
  async refresh() {
    await refreshTokens(this[parts])
  },
  async userInfo() {
    const session = readSession(this[parts])
    const accessToken = await readAccessToken(this[parts])
    const { provider } = await this[parts].wiring.registrations.of(session)
    return await fetchUserInfo(provider, accessToken, session.claims.sub)
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
