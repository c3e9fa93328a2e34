/**
 * The Relying Parties that the local provider knows, and how it gets their public keys.
 *
 * @module
 */

import { createPublicKey, type KeyObject } from 'node:crypto'
import { calculateJwkThumbprint, type JWK } from 'jose'
import type { Storage } from './storage.ts'

/** How a client proves who it is at the token endpoint. */
export type ClientAuthMethod =
  | 'private_key_jwt'
  | 'client_secret_basic'
  | 'client_secret_post'
  | 'client_secret_jwt'
  | 'none'

/** The signature algorithms of ID Tokens. */
export type IdTokenAlgorithm = 'RS256' | 'PS256' | 'ES256' | 'EdDSA'

/** How responses are encrypted for a client. @see RFC 7518, 4.1 and 5.1 */
export interface ResponseEncryption {
  /** The key management algorithm, such as `ECDH-ES+A256KW`. */
  readonly alg: string
  /** The content encryption. Default `A128CBC-HS256`. */
  readonly enc?: string
}

/** A JWK Set as it is registered: public keys only. */
export interface RegisteredJwkSet {
  readonly keys: readonly JWK[]
}

/** A Relying Party to register. Give one of `jwks`, `jwksUri`, `publicKey` or `clientSecret`. */
export interface ProviderClient {
  readonly clientId: string
  /** What the sign-in page calls the app. Default: the `clientId`. */
  readonly name?: string
  /** The public keys. */
  readonly jwks?: RegisteredJwkSet
  /** Where the app publishes its public keys. Fetched when a new `kid` is seen; http is fine. */
  readonly jwksUri?: string
  /** One public key: PEM, JWK or `KeyObject`. Its `kid` is the JWK's, else the thumbprint. */
  readonly publicKey?: string | JWK | KeyObject
  readonly clientSecret?: string
  /** Default: `private_key_jwt` with a key, `client_secret_basic` with a secret, else `none`. */
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

/** The clients of one provider. */
export interface ProviderClients {
  /** Registers a client, or replaces the one with this `clientId`. */
  add(client: ProviderClient): Promise<void>
  find(clientId: string): ProviderClient | undefined
  /**
   * The client's public keys; the JWK Set of a `jwksUri` is fetched again when `kid` is unknown.
   * `undefined` for an unknown client.
   */
  keysFor(clientId: string, kid: string | undefined): Promise<readonly JWK[] | undefined>
}

const fetchTimeout = 2500

/** Creates the registry, which writes into the provider's storage. */
export function createProviderClients(storage: Storage): ProviderClients {
  const registered = new Map<string, { client: ProviderClient; keys: readonly JWK[] }>()
  const adapter = storage.adapter('Client')

  async function save(client: ProviderClient, keys: readonly JWK[]): Promise<void> {
    registered.set(client.clientId, { client, keys })
    await adapter.upsert(client.clientId, buildMetadata(client, keys))
  }

  return {
    async add(client) {
      if (client.redirectUris.length === 0) {
        throw new TypeError('"redirectUris" must name at least one URL')
      }
      checkFrontchannelLogoutUri(client)
      await save(client, await readKeys(client))
    },

    find: (clientId) => registered.get(clientId)?.client,

    async keysFor(clientId, kid) {
      const known = registered.get(clientId)
      if (known === undefined) return undefined
      const { client, keys } = known
      if (client.jwksUri === undefined || keys.some((key) => key.kid === kid)) return keys
      const fetched = await fetchKeys(client.jwksUri)
      await save(client, fetched)
      return fetched
    },
  }
}

function buildMetadata(
  client: ProviderClient,
  keys: readonly JWK[],
): { readonly [name: string]: unknown } {
  const hasKey = client.jwks ?? client.jwksUri ?? client.publicKey
  const fallback = client.clientSecret === undefined ? 'none' : 'client_secret_basic'
  const metadata = {
    client_id: client.clientId,
    client_name: client.name,
    client_secret: client.clientSecret,
    token_endpoint_auth_method: client.clientAuth ?? (hasKey ? 'private_key_jwt' : fallback),
    token_endpoint_auth_signing_alg: client.assertionAlg,
    ...(isFetched(client) ? { jwks_uri: client.jwksUri } : { jwks: hasKey ? { keys } : undefined }),
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
  return Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== undefined))
}

/** @see OpenID Connect Front-Channel Logout 1.0, 2 */
function checkFrontchannelLogoutUri(client: ProviderClient): void {
  const { frontchannelLogoutUri, redirectUris } = client
  if (frontchannelLogoutUri === undefined) return
  const { origin } = new URL(frontchannelLogoutUri)
  const isOrigin = (uri: string): boolean => URL.canParse(uri) && new URL(uri).origin === origin
  if (redirectUris.some(isOrigin)) return
  throw new TypeError('"frontchannelLogoutUri" must have the origin of one of the "redirectUris"')
}

/** To encrypt, the engine looks for new keys by itself: no `kid` comes along that could be unknown. */
function isFetched({ jwksUri, idTokenEncryption, userInfoEncryption }: ProviderClient): boolean {
  return jwksUri !== undefined && (idTokenEncryption ?? userInfoEncryption) !== undefined
}

async function readKeys(client: ProviderClient): Promise<readonly JWK[]> {
  if (client.jwks !== undefined) return checkKeys(client.jwks, '"jwks"')
  if (client.publicKey === undefined) return []
  const jwk = readPublicKey(client.publicKey)
  return [{ ...jwk, kid: jwk.kid ?? (await calculateJwkThumbprint(jwk)) }]
}

function readPublicKey(key: string | JWK | KeyObject): JWK {
  if (typeof key === 'string') return createPublicKey(key).export({ format: 'jwk' }) as JWK
  // A `KeyObject` has a `type`, a JWK has a `kty`.
  if ('export' in key && typeof key.export === 'function') {
    const publicKey =
      key.type === 'private' ? createPublicKey(key as KeyObject) : (key as KeyObject)
    return publicKey.export({ format: 'jwk' }) as JWK
  }
  const jwk = key as JWK
  if (jwk.d === undefined) return jwk
  throw new TypeError('"publicKey" is a private JWK; register only its public members')
}

/** Reads the JWK Set behind `url`. */
async function fetchKeys(url: string): Promise<readonly JWK[]> {
  const response = await fetch(url, {
    headers: { accept: 'application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(fetchTimeout),
  })
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}`)
  return checkKeys(await response.json(), url)
}

/** Accepts a JWK Set of public keys with distinct `kid`s. */
function checkKeys(untrustedSet: unknown, where: string): readonly JWK[] {
  const keys = (untrustedSet as { keys?: unknown } | null)?.keys
  if (!Array.isArray(keys)) throw new Error(`${where} is not a JWK Set`)
  const kids = new Set<unknown>()
  for (const key of keys as readonly JWK[]) {
    if (key.d !== undefined || key.k !== undefined) {
      throw new Error(`${where} holds private key material`)
    }
    if (key.kid !== undefined && kids.has(key.kid)) throw new Error(`${where} repeats a kid`)
    kids.add(key.kid)
  }
  return keys as readonly JWK[]
}
