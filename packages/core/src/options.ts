/**
 * The options of a Relying Party. `docs/options.md` is generated from the docblocks here.
 *
 * @module
 */

import type { ClientAuthentication } from './client/authentication.ts'
import type { OidcError } from './errors.ts'
import type { OidcEvent } from './events.ts'
import type { Exchange, OidcResponse } from './exchange.ts'
import type { JwsAlgorithm } from './keys/algorithms.ts'
import type { ClientKey } from './keys/client-key.ts'
import type { DecryptionKey } from './keys/decryption-key.ts'
import type { Authorization } from './login/authentication-request.ts'
import type { Preset } from './provider/preset.ts'
import type { PresetAlias, PresetName } from './provider/presets.ts'
import type { SessionBackend } from './session/records.ts'
import type { Claims, IdTokenClaims } from './session/session.ts'
import type { TryLock } from './session/store-lock.ts'
import type { Tenant } from './tenant.ts'

/** Everything that a Relying Party can be told. Durations are in seconds. */
export interface Options {
  /**
   * The provider's issuer identifier, exactly as its metadata has it: a trailing slash counts. Not needed
   * where `provider` names one that has a single issuer.
   */
  issuer?: string | URL
  /**
   * Which provider it is: `criipto`, `signicat`, `jiko`, `auth0` …, or an object of one's own. Sets what that
   * provider demands of client assertions and requests; an option that is given wins.
   */
  provider?: PresetName | PresetAlias | Preset
  /** The client identifier that the provider has registered. */
  clientId: string
  /**
   * The private key, or where it is: a URI (`env:NAME`, `file:./key.pem`), a PEM, a JWK, a JWK Set, a
   * `KeyObject`, a `CryptoKey`, a `Signer`, a `KeySource`, or a list of `{ key, alg, kid, notBefore,
   * notAfter }`.
   */
  clientKey?: ClientKey
  /**
   * How the RP authenticates: `private_key_jwt` when there is a `clientKey`; else
   * `clientSecretBasic(secret)`, `clientSecretPost(secret)`, `clientSecretJwt(secret)`, `none()`, or a
   * function that returns a ready client assertion. `signed_client_secret` is Apple's way: a
   * `client_secret` that is a signed JWT.
   */
  clientAuth?: ClientAuthentication
  /** What the provider demands of a client assertion. */
  assertion?: AssertionOption
  /**
   * Where End-Users reach the app: origin and, if any, path. `redirect_uri`, the `Secure` flag and
   * `returnTo` come from it, and never from a request header.
   */
  baseUrl: string | URL
  /**
   * Wire parameters of the Authentication Request (`scope`, `acr_values`, `ui_locales`, `prompt`,
   * `max_age`, `response_mode` …), or a function of the request that returns them. `scope` is `openid
   * profile email` unless given.
   */
  authorization?: Authorization
  /** The session and its cookie. */
  session: SessionOption
  /** Whether UserInfo is fetched at login and merged into `user`. Default `false`. */
  userInfo?: boolean
  /** The paths of our own routes, below `baseUrl`; `false` switches one off. */
  routes?: RoutesOption
  /** What ID Tokens are held to. */
  idToken?: IdTokenOption
  /** How a logout elsewhere reaches sessions that are not in a `session.store`. */
  logout?: LogoutOption
  /** How the provider is reached. */
  http?: HttpOption
  /**
   * Called before a session is made, and awaited: returns claims to add to `user`, or `false` to refuse
   * the End-User (403).
   */
  onLogin?: (context: LoginContext) => LoginDecision | Promise<LoginDecision>
  /**
   * Returns a page for an error of our routes; nothing returned means the page we have. An error about a
   * client that the provider refuses has a `refusal`, which is not for End-Users.
   */
  onError?: (
    error: OidcError,
    exchange: Exchange,
  ) => OidcResponse | undefined | Promise<OidcResponse | undefined>
  /** Told what happens. Never holds a token, code, verifier, secret or key. */
  onEvent?: (event: OidcEvent) => void
}

/** What belongs to one provider of several. */
export interface ProviderOptions
  extends Pick<
    Options,
    | 'issuer'
    | 'provider'
    | 'clientId'
    | 'clientKey'
    | 'clientAuth'
    | 'assertion'
    | 'authorization'
    | 'userInfo'
    | 'idToken'
    | 'http'
  > {
  /** What End-Users know the provider as, where they choose one. Default: its id. */
  label?: string
}

/** Looks a provider up by its id: for apps whose tenants bring providers of their own. */
export type ProviderLookup = (
  id: string,
) => ProviderOptions | undefined | Promise<ProviderOptions | undefined>

/**
 * The options of an app with several providers. What is said of a provider at the top (`clientKey`,
 * `authorization`, `http` …) holds for each that does not say otherwise.
 */
export interface MultiProviderOptions extends Omit<Options, 'issuer' | 'clientId'> {
  /**
   * The providers by id, or a function that looks one up, whose answers are kept for five minutes, at
   * most a thousand at once. An id has letters, digits, `_` and `-`.
   */
  providers: Readonly<Record<string, ProviderOptions>> | ProviderLookup
  /**
   * The id of the provider that a request belongs to, for apps with tenants: it is the one to sign in at,
   * and End-Users of any other one are anonymous to the request. `everyTenant` for a request that belongs
   * to all and sees whoever is signed in; `undefined` for one that nobody is signed in for. Asked once for
   * each request that needs it.
   */
  resolve?: (exchange: Exchange) => Tenant | Promise<Tenant>
}

/** What the provider demands of a client assertion. */
export interface AssertionOption {
  /**
   * `issuer` (default), `token_endpoint`, `called_endpoint`, or the audience itself. Always sent as one
   * string.
   */
  audience?: string
  /** Seconds until an assertion expires. Default 60, which is inside every limit known. */
  lifetime?: number
  /** The `typ` header: `JWT`, `client-authentication+jwt`; `false` (default) for none. */
  typ?: string | false
  /**
   * The `kid` header: `thumbprint` (default: the key's own `kid`, else its RFC 7638 thumbprint),
   * `explicit` (only where the key itself names one), `false` (none), or the `kid` itself.
   */
  kid?: string | false
  /** The `iss` claim, where it is not the client identifier: Apple's Team ID. */
  issuer?: string
  /**
   * Certificates of the keys, where the provider knows a key by its certificate: PEM, `file:./client.crt` or
   * `env:NAME`, one or a list. The one that has the signing key is named in the header, as `x5t#S256` unless
   * the provider wants it otherwise.
   */
  certificate?: string | readonly string[]
  /** More header parameters. */
  header?: Readonly<Record<string, unknown>>
  /** More claims. */
  claims?: Readonly<Record<string, unknown>>
}

/** The session and its cookie. */
export interface SessionOption {
  /** At least 32 characters. In a list, the first seals and all of them open: so a secret is rotated. */
  secret: string | readonly string[]
  /**
   * Where sessions live: any store made for express-session (connect-redis, connect-pg-simple,
   * MemoryStore …); `framework` for the app's own session (express-session, koa-session,
   * `@fastify/session`, `@fastify/secure-session`). Without it, in the cookie.
   */
  store?: SessionBackend | 'framework'
  /** Seconds that one call of the store may take. Default 2. */
  storeTimeout?: number
  /**
   * What requests with a session get while the store does not answer: 503 (`refuse`, default), or the
   * app, as anonymous End-Users, and 503 from guards alone (`anonymous`).
   */
  storeFailure?: 'refuse' | 'anonymous'
  /**
   * How processes exclude one another, for stores that have no means of their own; connect-redis and
   * connect-pg-simple have.
   */
  lock?: TryLock
  /** How many sessions one End-User may have; the oldest ones end. Needs a store. No limit by default. */
  maxSessions?: number
  /**
   * What becomes of a session whose refresh token the provider refuses: it ends (`end`, default), or it
   * stays, and guards send the End-User to sign in again (`sign-in`).
   */
  refusedRefresh?: 'end' | 'sign-in'
  /** The cookie; by default `oidc-` and six digits of this RP's own, with `__Host-` on https. */
  cookie?: CookieOption
  /** Seconds without a request after which a session ends. Default 86400 (a day). */
  idleTimeout?: number
  /** Seconds after which a session ends whatever happens. Default 604800 (a week). */
  lifetime?: number
  /** The tokens that are kept: none by default, since they are large and nobody should hold them idly. */
  keep?: readonly KeepableToken[]
}

/** A token that a session can keep. */
export type KeepableToken = 'idToken' | 'accessToken' | 'refreshToken'

/** The session cookie's attributes. */
export interface CookieOption {
  /** The name without prefix. */
  name?: string
  /** A domain to share the cookie with its subdomains. Costs the `__Host-` prefix. */
  domain?: string
  /** Default `/`. Another one costs the `__Host-` prefix. */
  path?: string
  /** `lax` (default), or `none` for an app inside another site's frame. */
  sameSite?: 'lax' | 'none'
}

/** The paths of our own routes; `false` switches one off. */
export interface RoutesOption {
  /** Default `/login`. */
  login?: string | false
  /** Default `/callback`. It cannot be switched off. */
  callback?: string
  /** Default `/logout`. */
  logout?: string | false
  /** Default `/.well-known/jwks.json`. */
  jwks?: string | false
  /** Default `/backchannel-logout`. */
  backchannelLogout?: string | false
  /** Default `/frontchannel-logout`. */
  frontchannelLogout?: string | false
  /** Who is signed in and until when, for single-page apps: never a token. Off by default. */
  session?: string | false
}

/** How a logout elsewhere reaches sessions that are not in a `session.store`. */
export interface LogoutOption {
  /**
   * Any store made for express-session. It remembers which sessions have ended, until they would have
   * ended by themselves, and is asked on each request with a session.
   */
  store?: SessionBackend
}

/** What ID Tokens are held to. */
export interface IdTokenOption {
  /**
   * The `alg` values accepted. By default the asymmetric ones of the provider's metadata. HS256, HS384
   * and HS512 only with a client secret, and only alone.
   */
  alg?: IdTokenAlg | readonly IdTokenAlg[]
  /**
   * The private key that the provider encrypts ID Tokens for, in the forms of `clientKey` but for a
   * `Signer`, a `KeySource` and key stores. Published in the JWK Set with `use: "enc"`. With it, an ID
   * Token that is not encrypted is refused; UserInfo may be encrypted too.
   */
  decryptionKey?: DecryptionKey
  /** Seconds that the two clocks may differ. Default 30. */
  clockTolerance?: number
  /** Audiences besides `clientId` that may stand in `aud`. None by default. */
  trustedAudiences?: readonly string[]
}

/** A signature algorithm of ID Tokens. */
export type IdTokenAlg = JwsAlgorithm | 'HS256' | 'HS384' | 'HS512'

/** How the provider is reached. */
export interface HttpOption {
  /** Seconds for one request. Default 5. */
  timeout?: number
  /** The `User-Agent` header. Default `countersign`. */
  userAgent?: string
  /** Replaces the built-in client. Time and size limits still hold. */
  fetch?: typeof globalThis.fetch
  /** PEM certificates of the authorities to trust instead of the public ones. */
  ca?: string | readonly string[]
  /** URL of an HTTP proxy. Needs the package `https-proxy-agent`. */
  proxy?: string
}

/** What the `onLogin` hook knows. */
export interface LoginContext {
  /** The user as it is going to be. */
  readonly user: Claims
  /** All claims of the ID Token. */
  readonly claims: IdTokenClaims
  /** A fresh access token, whether it is kept or not. */
  readonly accessToken: string
  readonly scope: string | undefined
  readonly returnTo: string
  readonly exchange: Exchange
  /** The provider's id, where the app has several. */
  readonly provider?: string
}

/** What the `onLogin` hook decides: claims to add, `false` to refuse, nothing to let pass. */
// biome-ignore lint/suspicious/noConfusingVoidType: a hook that returns nothing is a hook that agrees
export type LoginDecision = Claims | false | undefined | void
