/**
 * What one provider demands of its Relying Parties: the closed list of quirks, as data.
 *
 * A preset is a plain object. It holds what a provider's documents say and nothing else: a fact that no
 * document states is left out, so that nobody is held to it. Where a list says what is accepted, its
 * first entry is what is sent.
 *
 * @module
 */

import type { JwsAlgorithm } from '../keys/algorithms.ts'
import type { CertificateHeader } from '../keys/certificate.ts'

/** One provider, by its documents. */
export interface Preset {
  /** The name by which it is chosen: lower-case letters, digits and `-`. */
  readonly name: string
  /** Other names of the same provider. */
  readonly aliases?: readonly string[]
  /** What people call it. */
  readonly title: string
  /** The documents that say so. The first one is cited in faults. */
  readonly sources: readonly [string, ...string[]]
  readonly issuer: IssuerFacts
  /** The ways of Client Authentication that it accepts; the first one is meant unless another is given. */
  readonly clientAuth: readonly [PresetClientAuth, ...PresetClientAuth[]]
  /** What it demands of a client assertion; absent where it accepts none. */
  readonly assertion?: AssertionDemands
  /** What it demands of an Authentication Request. */
  readonly authorization?: AuthorizationDemands
  /** How strongly End-Users are authenticated, where the client has to say and to check so. */
  readonly acr?: AcrDemands
  /** Whether ID Tokens come encrypted, for a key of the client's. */
  readonly isIdTokenEncrypted?: boolean
  /** How it encrypts, where its documents say so. */
  readonly encryption?: EncryptionFacts
  /** In which form UserInfo comes, where that is not plain JSON: signed, or signed and then encrypted. */
  readonly userInfo?: 'jwt' | 'encrypted_jwt'
  /** The ID Token algorithms to accept, where its metadata lists others that its documents rule out. */
  readonly idTokenAlgs?: readonly [JwsAlgorithm, ...JwsAlgorithm[]]
  /** Whether requests without a `User-Agent` are refused. */
  readonly isUserAgentRequired?: boolean
  /** How the public key gets there. */
  readonly registration: KeyRegistration
  /** The kinds of logout that it has. */
  readonly logout?: readonly LogoutKind[]
}

/** How the provider's issuer identifier looks. */
export interface IssuerFacts {
  /** Where there is only one: used unless another is given. */
  readonly default?: string
  /** With a placeholder for what is the customer's own: `https://{tenant}.auth0.com/`. */
  readonly example: string
  /** Issuers that cannot work, as a regular expression, and why. */
  readonly refused?: { readonly pattern: string; readonly reason: string }
}

/** `signed_client_secret`: a `client_secret` that is a signed JWT, sent in the request's form. */
export type PresetClientAuth =
  | 'private_key_jwt'
  | 'signed_client_secret'
  | 'client_secret_basic'
  | 'client_secret_post'
  | 'client_secret_jwt'
  | 'none'

/** What a provider demands of a client assertion. Durations in seconds. */
export interface AssertionDemands {
  /** The `alg` values accepted. A plain RSA key signs with the first one of RSA. */
  readonly algs: readonly [JwsAlgorithm, ...JwsAlgorithm[]]
  /** Those of them that its documents recommend. Default: all. */
  readonly recommendedAlgs?: readonly JwsAlgorithm[]
  /** The `aud` values accepted, each of them alone: the first one is sent. */
  readonly audience: readonly [Audience, ...Audience[]]
  /** The `typ` values accepted; the first one is sent. Absent: none is sent, and any is accepted. */
  readonly typ?: readonly [string, ...string[]]
  /** Whether one without a `typ` is accepted as well. */
  readonly isTypOptional?: boolean
  /** Which `kid` is sent: always one, one that the key itself names, or none. */
  readonly kid: 'thumbprint' | 'explicit' | false
  /** Whether an assertion without a `kid`, or with one, is refused. Absent: neither. */
  readonly kidRule?: 'required' | 'refused'
  /** The header parameter that names the client's certificate, which is then needed. */
  readonly certificate?: CertificateHeader
  /** What `iss` is, where it is not the client identifier: a value of the client's own. */
  readonly issuer?: { readonly name: string; readonly example: string }
  /** What is sent. Default 60. */
  readonly lifetime?: number
  /** How far ahead `exp` may be, of now and of `iat`. */
  readonly maxLifetime?: number
  /** Seconds by which the clocks may differ. Default 10. */
  readonly clockTolerance?: number
  /** How far back `iat` is set, for providers that take no moment that is still to come. */
  readonly backdate?: number
  /** Claims that must be there besides `iss`, `sub`, `aud` and `exp`. */
  readonly required?: readonly ('iat' | 'nbf' | 'jti')[]
  /** Claims that are not looked at: they may have any value, or not be there. */
  readonly ignored?: readonly ('iat' | 'jti')[]
  /** Whether a `jti` may be used once only. */
  readonly isJtiSingleUse?: boolean
  /** Whether the form must have `client_id` as well. */
  readonly isClientIdRequired?: boolean
}

/**
 * Whom an assertion is for: the issuer, the token endpoint, the endpoint that is called, or a text of its
 * own, such as a URL that all customers share.
 */
export type Audience = 'issuer' | 'token_endpoint' | 'called_endpoint' | (string & {})

/** How a provider encrypts for a key of the client's. @see RFC 7518, 4.1 and 5.1 */
export interface EncryptionFacts {
  /** The key management algorithms. */
  readonly algs: readonly [string, ...string[]]
  /** The content encryption. */
  readonly enc?: string
}

/** What a provider demands of an Authentication Request. */
export interface AuthorizationDemands {
  /** Wire parameters that are sent unless others are given: `scope`, `prompt`, `response_mode` … */
  readonly defaults?: Readonly<Record<string, string>>
  /** Wire parameters without which requests are refused: the app gives what no default does. */
  readonly required?: readonly string[]
  /** Scopes that are refused. */
  readonly refusedScopes?: readonly string[]
  /** The response modes accepted. */
  readonly responseModes?: readonly string[]
  /** The `prompt` values accepted. */
  readonly prompts?: readonly string[]
  /** The fewest characters of what an app always sends: 1 where it has to be there. */
  readonly minLengths?: { readonly state?: number; readonly nonce?: number }
  /** Whether there are no Pushed Authorization Requests. */
  readonly isPushRefused?: boolean
}

/** How a client says how strongly End-Users are to be authenticated, and what it has to check. */
export interface AcrDemands {
  /** `vtr` takes a JSON array of vectors of trust in place of `acr_values`. @see RFC 8485, 4 */
  readonly parameter?: 'acr_values' | 'vtr'
  /** The claim of the ID Token that has the answer. Default `acr`. */
  readonly claim?: 'acr' | 'vot'
  /**
   * The components of a vector of trust that the claim has, by their letter: what else is asked for is
   * not compared. Absent: all of it. @see RFC 8485, 3
   */
  readonly components?: readonly string[]
  /** Levels from low to high: what is higher than asked for will do. Absent: exactly what was asked for. */
  readonly levels?: readonly string[]
}

/** How the public key gets to the provider. */
export interface KeyRegistration {
  /** In which forms it is taken; the first one is the one recommended. None where there is no such key. */
  readonly forms: readonly KeyForm[]
  /** Where, in the provider's own words. */
  readonly where: string
  /** How many keys it keeps at once. */
  readonly limit?: number
  /** Whether a JWK is given by itself, and not in a set. */
  readonly takesOneJwk?: boolean
  /** The sizes that RSA keys may have, in bits. Absent: 2048 and more. @see RFC 7518, 3.3 */
  readonly rsaSizes?: readonly number[]
}

/** A public key as PEM, as a certificate, as a JWK Set, or at the URL of one. */
export type KeyForm = 'pem' | 'certificate' | 'jwks' | 'jwks_uri' | 'made_there'

/** A kind of logout that begins at the app, or that the provider tells the app about. */
export type LogoutKind = 'rp-initiated' | 'back-channel' | 'front-channel'
