/**
 * How the provider double can be told to misbehave.
 *
 * @module
 */

import type { KeyObject } from 'node:crypto'
import type { JWK, JWTPayload } from 'jose'

/** The endpoints of the double. */
export type Endpoint =
  | 'discovery'
  | 'jwks'
  | 'authorization'
  | 'pushed_authorization_request'
  | 'token'
  | 'userinfo'
  | 'revocation'
  | 'introspection'
  | 'end_session'

/** An OAuth error, in wire names. */
export interface WireError {
  readonly error: string
  readonly error_description?: string
  readonly error_uri?: string
}

/** A ready answer, in place of the honest one. */
export interface RawAnswer {
  readonly status?: number
  readonly body?: string
  readonly contentType?: string
  readonly headers?: { readonly [name: string]: string }
}

/** The algorithms that an ID Token may be signed with, honestly or not. */
export type DoubleAlgorithm = 'RS256' | 'PS256' | 'ES256' | 'EdDSA' | 'none' | 'HS256'

/** What is wrong with the ID Token. */
export interface IdTokenBehaviour {
  /** Changes the claims; a claim set to `undefined` is left out. */
  claims?: (claims: JWTPayload) => JWTPayload
  header?: (header: Record<string, unknown>) => Record<string, unknown>
  /** Default `RS256`. */
  alg?: DoubleAlgorithm
  /** Another `kid`, or none with `false`. Default: the signing key's. */
  kid?: string | false
  /** Signs with a key that is in no JWK Set. For `HS256` a `Uint8Array`. */
  key?: KeyObject | Uint8Array
  /** Flips every bit of the signature. */
  corruptSignature?: boolean
  /** Puts the signed token into another one, such as an encrypted one. */
  wrap?: (signed: string) => string | Promise<string>
  /** This, and nothing else. `false`: no ID Token at all. */
  raw?: string | false
}

/** What is wrong with the Authentication Response. `false` leaves a parameter out. */
export interface AuthorizeBehaviour {
  state?: string | false
  iss?: string | false
  code?: string | false
  /** Answers with an error instead of a code. */
  error?: WireError
  /** Parameters to send twice. */
  duplicate?: readonly string[]
  /** Parameters to add. */
  extra?: { readonly [name: string]: string }
  /** Default: what the request's `response_mode` asks for. */
  formPost?: boolean
  /** Default 303. */
  status?: number
}

/** The knobs. They apply to the answers that follow; `double.reset()` puts them back. */
export interface Behaviour {
  /** Changes the metadata document. */
  metadata?: (metadata: Record<string, unknown>) => Record<string, unknown>
  discoveryStatus?: number
  /** The raw body, as HTML or JSON by its first character. */
  discoveryBody?: string
  /** Milliseconds before an endpoint answers. */
  delay: Partial<Record<Endpoint, number>>
  /** The endpoint takes the request and never answers. */
  hang: Partial<Record<Endpoint, boolean>>
  /** The endpoint closes the connection without an answer. */
  drop: Partial<Record<Endpoint, boolean>>
  /** The endpoint answers 302 to this URL. */
  redirect: Partial<Record<Endpoint, string>>
  /** The endpoint answers with this, without looking at the request. */
  raw: Partial<Record<Endpoint, RawAnswer>>
  tokenStatus?: number
  /** The raw body of the token endpoint, whatever the request was. */
  tokenBody?: string
  tokenError?: WireError
  /** Changes an honest token response. */
  tokens?: (response: Record<string, unknown>) => Record<string, unknown>
  /** Seconds. Default 3600. */
  accessTokenTtl: number
  idToken: IdTokenBehaviour
  /** Changes the published keys. */
  jwks?: (keys: readonly JWK[]) => readonly JWK[]
  /** New keys while a token request is answered: the ID Token's `kid` is news to everyone. */
  rotateBeforeSigning: boolean
  /** Who signs in. */
  sub: string
  /** Claims of the ID Token and of UserInfo. */
  claims: { readonly [name: string]: unknown }
  /** NumericDate. Default: now. */
  authTime?: number
  /** `false`: none. Default: the first of `acr_values`, if there are any. */
  acr?: string | false
  amr?: readonly string[]
  sid?: string
  authorize: AuthorizeBehaviour
  /** Changes the UserInfo claims. */
  userinfo?: (claims: Record<string, unknown>) => Record<string, unknown>
  userinfoStatus?: number
  /** Whether a login gives a refresh token: always (default), with `offline_access`, or never. */
  refreshTokens: 'always' | 'offline_access' | 'never'
  rotateRefreshTokens: boolean
  /** Whether a refresh gives an ID Token. */
  refreshIdToken: boolean
  /** What is wrong with the ID Token of a refresh. Default: as `idToken`. */
  refreshedIdToken?: IdTokenBehaviour
  refreshError?: WireError
  revocationStatus?: number
  /** Whether a client assertion's signature, claims and `jti` are checked. */
  checkClientAuthentication: boolean
}

/** The honest behaviour. */
export function honestBehaviour(): Behaviour {
  return {
    delay: {},
    hang: {},
    drop: {},
    redirect: {},
    raw: {},
    accessTokenTtl: 3600,
    idToken: {},
    rotateBeforeSigning: false,
    sub: 'alice',
    claims: { name: 'Alice Adams', email: 'alice@example.com', email_verified: true },
    authorize: {},
    refreshTokens: 'always',
    rotateRefreshTokens: true,
    refreshIdToken: true,
    checkClientAuthentication: true,
  }
}
