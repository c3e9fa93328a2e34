/**
 * A Relying Party as it is registered at the local provider, and what oidc-provider is told of it.
 *
 * @module
 */

import type { PresetClientAuth } from '@countersign/core'
import type { JWK } from 'jose'
import type { RegisteredJwkSet, RegisteredKey } from './registered-keys.ts'

/**
 * How a client proves who it is at the token endpoint. `signed_client_secret`, for the emulators of
 * providers that have it, is a `client_secret` that is a signed JWT.
 */
export type ClientAuthMethod = PresetClientAuth

/** The signature algorithms of ID Tokens. */
export type IdTokenAlgorithm = 'RS256' | 'PS256' | 'ES256' | 'EdDSA'

/** How responses are encrypted for a client. @see RFC 7518, 4.1 and 5.1 */
export interface ResponseEncryption {
  /** The key management algorithm, such as `ECDH-ES+A256KW`. */
  readonly alg: string
  /** The content encryption. Default `A128CBC-HS256`. */
  readonly enc?: string
}

/**
 * A Relying Party to register. Give one of `jwks`, `jwksUri`, `publicKey`, `certificate` or
 * `clientSecret`.
 */
export interface ProviderClient {
  readonly clientId: string
  /** What the sign-in page calls the app. Default: the `clientId`. */
  readonly name?: string
  /** The public keys. */
  readonly jwks?: RegisteredJwkSet
  /** Where the app publishes its public keys. Fetched when a new `kid` is seen; http is fine. */
  readonly jwksUri?: string
  /**
   * One public key, or several: PEM, JWK or `KeyObject`. Its `kid` is the JWK's, else the thumbprint;
   * at an emulator a PEM has none.
   */
  readonly publicKey?: RegisteredKey | readonly RegisteredKey[]
  /** The key as an X.509 certificate, or several: PEM. */
  readonly certificate?: string | readonly string[]
  readonly clientSecret?: string
  /** What `iss` of its assertions is, where a provider gives clients such a name: the Team ID. */
  readonly teamId?: string
  /**
   * Default: `private_key_jwt` with a key, `client_secret_basic` with a secret, else `none`; at an
   * emulator, the first of these kinds that its provider has.
   */
  readonly clientAuth?: ClientAuthMethod
  readonly redirectUris: readonly string[]
  readonly postLogoutRedirectUris?: readonly string[]
  /** Where Logout Tokens are sent when a session ends. Plain http on loopback is fine. */
  readonly backchannelLogoutUri?: string
  /** Whether Logout Tokens have a `sid`; without, they end all sessions of a `sub`. Default `true`. */
  readonly backchannelLogoutSessionRequired?: boolean
  /** What the page after a logout loads in a frame. On the origin of one of the `redirectUris`. */
  readonly frontchannelLogoutUri?: string
  /** Whether that URL is given `iss` and `sid`. Default `true`. */
  readonly frontchannelLogoutSessionRequired?: boolean
  /** Default `RS256`. */
  readonly idTokenAlg?: IdTokenAlgorithm
  /** Encrypts ID Tokens, once signed, for the client's key with `use: "enc"`. Default: not at all. */
  readonly idTokenEncryption?: ResponseEncryption
  /** Signs UserInfo. Default: it is plain JSON. */
  readonly userInfoAlg?: IdTokenAlgorithm
  /** Encrypts UserInfo, signed or not. Default: not at all. */
  readonly userInfoEncryption?: ResponseEncryption
  /** The one algorithm that client assertions may have. Default: any that the provider lists. */
  readonly assertionAlg?: string
  /** The response modes the client may ask for. Default: all. */
  readonly responseModes?: readonly ('query' | 'form_post' | 'fragment')[]
  readonly requirePushedAuthorizationRequests?: boolean
}

/** Whether a client has a key of its own, wherever that is. */
export function hasKey({ jwks, jwksUri, publicKey, certificate }: ProviderClient): boolean {
  return (jwks ?? jwksUri ?? publicKey ?? certificate) !== undefined
}

/** Client metadata by its wire names. @see OpenID Connect Dynamic Client Registration 1.0, 2 */
export interface ClientMetadata {
  readonly [name: string]: unknown
}

/** Builds what oidc-provider is told of a client. */
export function buildMetadata(client: ProviderClient, keys: readonly JWK[]): ClientMetadata {
  const fallback = client.clientSecret === undefined ? 'none' : 'client_secret_basic'
  return {
    client_id: client.clientId,
    client_name: client.name,
    client_secret: client.clientSecret,
    token_endpoint_auth_method:
      client.clientAuth ?? (hasKey(client) ? 'private_key_jwt' : fallback),
    token_endpoint_auth_signing_alg: client.assertionAlg,
    ...(isFetched(client)
      ? { jwks_uri: client.jwksUri }
      : { jwks: hasKey(client) ? { keys } : undefined }),
    redirect_uris: client.redirectUris,
    post_logout_redirect_uris: client.postLogoutRedirectUris ?? [],
    backchannel_logout_uri: client.backchannelLogoutUri,
    backchannel_logout_session_required:
      client.backchannelLogoutUri && (client.backchannelLogoutSessionRequired ?? true),
    frontchannel_logout_uri: client.frontchannelLogoutUri,
    frontchannel_logout_session_required:
      client.frontchannelLogoutUri && (client.frontchannelLogoutSessionRequired ?? true),
    id_token_signed_response_alg: client.idTokenAlg ?? 'RS256',
    id_token_encrypted_response_alg: client.idTokenEncryption?.alg,
    id_token_encrypted_response_enc: client.idTokenEncryption?.enc,
    userinfo_signed_response_alg: client.userInfoAlg,
    userinfo_encrypted_response_alg: client.userInfoEncryption?.alg,
    userinfo_encrypted_response_enc: client.userInfoEncryption?.enc,
    response_types: ['code'],
    response_modes: client.responseModes,
    grant_types: ['authorization_code', 'refresh_token'],
    require_pushed_authorization_requests: client.requirePushedAuthorizationRequests,
  }
}

/** To encrypt, the engine looks for new keys by itself: no `kid` comes along that could be unknown. */
function isFetched({ jwksUri, idTokenEncryption, userInfoEncryption }: ProviderClient): boolean {
  return jwksUri !== undefined && (idTokenEncryption ?? userInfoEncryption) !== undefined
}
