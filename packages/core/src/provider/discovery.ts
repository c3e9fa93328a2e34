/**
 * One OpenID Provider as it describes itself: its metadata, fetched when first needed, kept through an
 * outage, and made into openid-client's `Configuration`.
 *
 * @module
 */

import { setTimeout as delay } from 'node:timers/promises'
import * as client from 'openid-client'
import type { Clock } from '../base/clock.ts'
import { isLoopback } from '../base/url.ts'
import { OidcError, ProviderError } from '../errors.ts'
import { buildEventError, type Emit } from '../events.ts'
import type { Fetch } from '../http/fetch.ts'
import type { DecryptionRing } from '../keys/decryption-ring.ts'
import { createClientFetch } from './client-refusal.ts'
import { createProviderKeys } from './json-web-key-set.ts'
import type { Preset } from './preset.ts'
import { readProtocolError } from './protocol-error.ts'
import { createTokenFetch } from './received-tokens.ts'

/** The provider's metadata, as far as it was checked. @see OpenID Connect Discovery 1.0, 3 */
export type ProviderMetadata = Readonly<client.ServerMetadata> & {
  readonly authorization_endpoint: string
  readonly token_endpoint: string
  readonly jwks_uri: string
}

/** Everything that is asked of one provider goes through here. */
export interface Provider {
  readonly issuer: string
  /**
   * The metadata: fetched when there is none yet, renewed in the background when it is old.
   *
   * @throws ProviderError
   */
  metadata(): Promise<ProviderMetadata>
  /** The metadata, where it is known; never a request. */
  known(): ProviderMetadata | undefined
  /**
   * A configuration for openid-client, with the keys known so far. Asked for anew for each use.
   *
   * @throws ProviderError
   */
  configuration(): Promise<client.Configuration>
  /**
   * Verifies a compact JWS with the provider's keys, and with these algorithms only. `undefined` when
   * none of them verifies it.
   *
   * @throws ProviderError when there are no keys
   */
  verify(jws: string, algs: readonly string[]): Promise<Uint8Array | undefined>
}

/** What the RP tells openid-client about itself. */
export interface ProviderSettings {
  readonly issuer: string
  readonly clientId: string
  readonly clientAuth: client.ClientAuth
  /** The `alg` values acceptable for ID Tokens; none means the asymmetric ones of the metadata. */
  readonly idTokenAlgs: readonly string[] | undefined
  /** Whether ID Tokens are signed with a key of the provider's, not with the client secret. */
  readonly hasAsymmetricIdTokens: boolean
  readonly clockTolerance: number
  /** What the provider's documents demand, where they are known. */
  readonly preset?: Preset | undefined
  /** The keys that responses are encrypted for, where they are. */
  readonly decryptionRing?: DecryptionRing | undefined
  readonly fetch: Fetch
  readonly clock: Clock
  readonly emit: Emit
}

/** Seconds after which known metadata is renewed in the background. */
const maxAge = 3600
/** Seconds between attempts to renew metadata that is known. */
const renewAfter = 60
/** Milliseconds before the second and the third attempt of one discovery. */
const backoff = [100, 400]

/** Creates the view of one provider. No request is made. */
export function createProvider(settings: ProviderSettings): Provider {
  const { issuer, clock, emit } = settings
  const keys = createProviderKeys(settings)
  let known: { metadata: ProviderMetadata; renewAt: number } | undefined
  let pending: Promise<ProviderMetadata> | undefined
  let shared:
    | { readonly server: ProviderMetadata; readonly configuration: client.Configuration }
    | undefined

  async function discover(): Promise<ProviderMetadata> {
    const started = performance.now()
    try {
      const metadata = await fetchWithRetries(settings)
      known = { metadata, renewAt: clock.now() + maxAge }
      const duration = performance.now() - started
      emit({ type: 'discovery.succeeded', issuer, duration })
      return metadata
    } catch (error) {
      const stale = known !== undefined
      emit({ type: 'discovery.failed', issuer, stale, error: buildEventError(error) })
      if (!known) throw error
      known = { ...known, renewAt: clock.now() + renewAfter }
      return known.metadata
    }
  }

  function discoverOnce(): Promise<ProviderMetadata> {
    pending ??= discover().finally(() => {
      pending = undefined
    })
    return pending
  }

  async function metadata(): Promise<ProviderMetadata> {
    if (!known) return discoverOnce()
    // discover() does not reject while metadata is known
    if (clock.now() >= known.renewAt) void discoverOnce()
    return known.metadata
  }

  return {
    issuer,
    metadata,
    known: () => known?.metadata,
    async configuration() {
      const server = await metadata()
      if (shared?.server === server) return shared.configuration
      const configuration = new client.Configuration(
        server,
        settings.clientId,
        { [client.clockTolerance]: settings.clockTolerance },
        settings.clientAuth,
      )
      const fetchKeys = keys.provide(configuration)
      const fetch = createTokenFetch(server, {
        ...settings,
        fetch: createClientFetch(server, settings),
      })
      // As openid-client writes it, however the metadata does
      const jwksUrl = new URL(server.jwks_uri).href
      configuration[client.customFetch] = (url, init) => {
        if (url !== jwksUrl) return fetch(url, init)
        // openid-client holds on to keys that it had to ask for: the next login begins anew
        shared = undefined
        return fetchKeys(url, init)
      }
      // Our own fetch and the signers have limits, whose errors say more
      configuration.timeout = 0
      if (isLoopback(new URL(issuer))) client.allowInsecureRequests(configuration)
      // OIDC Core, 3.1.3.7 (6): MAY be skipped for a token from the token endpoint, and never is
      if (settings.hasAsymmetricIdTokens) client.enableNonRepudiationChecks(configuration)
      // Kept for the logins that follow: it has the provider's keys imported
      shared = { server, configuration }
      return configuration
    },
    async verify(jws, algs) {
      const { jwks_uri } = await metadata()
      return await keys.verify(jws, { jwksUri: new URL(jwks_uri).href, algs })
    },
  }
}

async function fetchWithRetries(settings: ProviderSettings): Promise<ProviderMetadata> {
  for (const wait of backoff) {
    try {
      return await fetchMetadata(settings)
    } catch (error) {
      if (!(error instanceof OidcError && error.code === 'ERR_PROVIDER_UNAVAILABLE')) throw error
      await delay(wait)
    }
  }
  return await fetchMetadata(settings)
}

async function fetchMetadata(settings: ProviderSettings): Promise<ProviderMetadata> {
  const { issuer, clientId, fetch } = settings
  const server = new URL(issuer)
  const endpoint = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  let metadata: client.ServerMetadata
  try {
    const configuration = await client.discovery(server, clientId, undefined, undefined, {
      [client.customFetch]: fetch,
      ...(isLoopback(server) && { execute: [client.allowInsecureRequests] }),
    })
    metadata = configuration.serverMetadata()
  } catch (error) {
    const found = readFoundIssuer(error)
    if (found !== undefined) throw issuerMismatch(issuer, found, endpoint)
    throw readProtocolError(error, { code: 'ERR_DISCOVERY', endpoint })
  }
  // Discovery, 4.3: identical, not just the same once parsed; a trailing slash counts
  if (metadata.issuer !== issuer) throw issuerMismatch(issuer, metadata.issuer, endpoint)
  return checkMetadata(metadata, settings, endpoint)
}

function checkMetadata(
  metadata: client.ServerMetadata,
  { issuer, idTokenAlgs }: ProviderSettings,
  endpoint: string,
): ProviderMetadata {
  const { authorization_endpoint, token_endpoint, jwks_uri } = metadata
  const endpoints = { authorization_endpoint, token_endpoint, jwks_uri }
  for (const [name, value] of Object.entries(endpoints)) {
    if (isAcceptable(value, issuer)) continue
    throw new ProviderError(
      'ERR_DISCOVERY',
      `${endpoint} must have "${name}" as an https URL, got ${JSON.stringify(value)}`,
      { endpoint },
    )
  }
  const offered = metadata.id_token_signing_alg_values_supported ?? ['RS256']
  const algs = idTokenAlgs ?? offered.filter(isAsymmetric)
  const { userinfo_signing_alg_values_supported: userInfoAlgs } = metadata
  return {
    ...metadata,
    authorization_endpoint: authorization_endpoint ?? '',
    token_endpoint: token_endpoint ?? '',
    jwks_uri: jwks_uri ?? '',
    // RFC 8725, 3.1: the acceptable algorithms come from here, never from the token
    id_token_signing_alg_values_supported: [...algs],
    // Optional in the metadata, and openid-client has no default for it
    userinfo_signing_alg_values_supported: (Array.isArray(userInfoAlgs)
      ? userInfoAlgs
      : algs
    ).filter(isAsymmetric),
  }
}

function isAsymmetric(alg: unknown): boolean {
  return typeof alg === 'string' && alg !== 'none' && !alg.startsWith('HS')
}

function isAcceptable(endpoint: string | undefined, issuer: string): boolean {
  if (endpoint === undefined || !URL.canParse(endpoint)) return false
  const url = new URL(endpoint)
  const isLocal = url.protocol === 'http:' && isLoopback(url) && isLoopback(new URL(issuer))
  return url.protocol === 'https:' || isLocal
}

function readFoundIssuer(error: unknown): string | undefined {
  if (!(error instanceof client.ClientError)) return undefined
  const { cause } = error
  if (typeof cause !== 'object' || cause === null || !('body' in cause)) return undefined
  const { body } = cause
  if (typeof body !== 'object' || body === null || !('issuer' in body)) return undefined
  return typeof body.issuer === 'string' ? body.issuer : undefined
}

function issuerMismatch(expected: string, found: string, endpoint: string): ProviderError {
  let at = 0
  while (at < expected.length && expected[at] === found[at]) at++
  return new ProviderError(
    'ERR_DISCOVERY',
    `"issuer" is not the one configured: expected "${expected}", ${endpoint} has "${found}"; ` +
      `they differ from character ${at + 1} on. If the provider is the right one, set the issuer to ` +
      `exactly "${found}"`,
    { endpoint, status: 502 },
  )
}
