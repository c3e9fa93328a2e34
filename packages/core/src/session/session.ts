/**
 * What is remembered of a signed-in End-User.
 *
 * @module
 */

/** Claims by name. @see OpenID Connect Core 1.0, 5.1 */
export type Claims = Readonly<Record<string, unknown>>

/**
 * What is known of a user. The standard claims are typed; an app that has others adds them by
 * augmenting this interface. @see OpenID Connect Core 1.0, 5.1
 */
export interface UserClaims extends Claims {
  readonly sub: string
  readonly name?: string
  readonly given_name?: string
  readonly family_name?: string
  readonly middle_name?: string
  readonly nickname?: string
  readonly preferred_username?: string
  readonly profile?: string
  readonly picture?: string
  readonly website?: string
  readonly email?: string
  readonly email_verified?: boolean
  readonly gender?: string
  readonly birthdate?: string
  readonly zoneinfo?: string
  readonly locale?: string
  readonly phone_number?: string
  readonly phone_number_verified?: boolean
  readonly address?: Readonly<Record<string, unknown>>
  readonly updated_at?: number
}

/** The claims that every ID Token has. @see OpenID Connect Core 1.0, 2 */
export interface IdTokenClaims extends Claims {
  readonly iss: string
  readonly sub: string
  readonly aud: string | readonly string[]
  readonly exp: number
  readonly iat: number
  readonly auth_time?: number
  readonly acr?: string
  readonly amr?: readonly string[]
  readonly sid?: string
}

/** The tokens that `session.keep` asked for. */
export interface KeptTokens {
  readonly idToken?: string | undefined
  readonly accessToken?: string | undefined
  readonly refreshToken?: string | undefined
  /** When the access token expires, where the provider said so. NumericDate. */
  readonly expiresAt?: number | undefined
  /** For how long the access token was given, where it is from a refresh. Seconds. */
  readonly refreshedFor?: number | undefined
  readonly scope?: string | undefined
  /** The `nonce` of the login, which a refreshed ID Token may repeat and must not change. */
  readonly nonce?: string | undefined
  /** Whether the provider refuses to refresh: the End-User is to sign in again. */
  readonly isRefused?: boolean | undefined
}

/** One session. It is data only, and survives JSON. */
export interface Session {
  readonly id: string
  /** The provider's id, where the app has several. */
  readonly provider?: string | undefined
  /** When the End-User signed in here. NumericDate. */
  readonly createdAt: number
  /** When the session was last written, at most a minute before it was last used. NumericDate. */
  readonly seenAt: number
  readonly claims: IdTokenClaims
  /** Claims from UserInfo and from the `onLogin` hook, which come on top of the ID Token's. */
  readonly extra?: Claims | undefined
  readonly tokens?: KeptTokens | undefined
  /** The `max_age` that the sign-in at `createdAt` was checked to satisfy. Seconds. */
  readonly maxAge?: number | undefined
}

// Claims that serve the protocol, not the app (OIDC Core, 2; JWT, 4.1)
const protocolClaims = new Set([
  'iss',
  'aud',
  'azp',
  'exp',
  'iat',
  'nbf',
  'jti',
  'nonce',
  'at_hash',
  'c_hash',
  's_hash',
  'auth_time',
  'acr',
  'amr',
  'sid',
])

// Checked once at the callback and of no use after it: not worth their room in a cookie
const spentClaims = new Set(['nonce', 'at_hash', 'c_hash', 's_hash'])

/** Builds the claims that a session keeps of an ID Token. */
export function buildKeptClaims(claims: IdTokenClaims): IdTokenClaims {
  return omit(claims, spentClaims) as IdTokenClaims
}

/** Builds the user of a session: claims about the person, UserInfo and the app's own on top. */
export function buildUser({ claims, extra }: Session): Claims {
  return { ...omit(claims, protocolClaims), ...extra }
}

function omit(claims: Claims, names: ReadonlySet<string>): Claims {
  const rest: Record<string, unknown> = {}
  for (const name in claims) if (!names.has(name)) rest[name] = claims[name]
  return rest
}
