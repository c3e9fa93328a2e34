/**
 * A Relying Party taken apart, for tools that look at one before any End-User does: the command line, and
 * emulators of providers. Not for apps.
 *
 * @module
 */

import { decodeJwt, decodeProtectedHeader } from 'jose'
import * as client from 'openid-client'
import { systemClock } from './base/clock.ts'
import { createClientAuthentication } from './client/authentication.ts'
import {
  type AssertionOptions,
  type BuildAssertion,
  createAssertionBuilder,
  findEndpoint,
} from './client/client-assertion.ts'
import { readConfig } from './config.ts'
import { ConfigurationError, KeyError, ProviderError } from './errors.ts'
import type { Emit } from './events.ts'
import { createFetch, type Fetch } from './http/fetch.ts'
import { createDecryptionRing } from './keys/decryption-ring.ts'
import { createKeyRing } from './keys/key-ring.ts'
import type { PublicJwk, Signer } from './keys/signer.ts'
import type { Options } from './options.ts'
import {
  type BrokenRule,
  findBrokenRules,
  type SeenClientAssertion,
} from './provider/assertion-rules.ts'
import { createProvider, type ProviderMetadata } from './provider/discovery.ts'
import type { Preset } from './provider/preset.ts'
import { readProtocolError } from './provider/protocol-error.ts'

export { isSignedMethod } from './client/set-assertion.ts'
export type { Fetch } from './http/fetch.ts'
export { isSameAlgorithm } from './keys/algorithms.ts'
export {
  type AssertionRule,
  assertionRules,
  type BrokenRule,
  findBrokenRules,
  readAudience,
  type SeenClientAssertion,
} from './provider/assertion-rules.ts'
export type { ProviderMetadata } from './provider/discovery.ts'
export { describeUnknownPreset } from './provider/presets.ts'

/** A client assertion that was made to be looked at. It is good for as long as any other. */
export interface InspectedAssertion {
  readonly jws: string
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  /** The URL that it is for a request to. */
  readonly endpoint: string
}

/**
 * What came of a token request with a code that cannot exist: `accepted` says that the provider knows the
 * client and its key, and minded the code alone.
 */
export interface Probe {
  readonly outcome: 'accepted' | 'refused' | 'unknown'
  readonly error: ProviderError
}

/** One Relying Party, in parts. */
export interface Inspection {
  readonly preset: Preset | undefined
  readonly issuer: string
  readonly clientId: string
  /** How it authenticates; `callback` where the app makes its assertions itself. */
  readonly clientAuth: string
  /** Origin and path, without a slash at the end. */
  readonly baseUrl: string
  readonly redirectUri: string
  readonly postLogoutRedirectUri: string
  /** `undefined` where the route is switched off. */
  readonly loginUrl: string | undefined
  readonly jwksUrl: string | undefined
  /** What its client assertions are made of. */
  readonly assertion: AssertionOptions
  /**
   * A request as the app sends it: with its limits, its certificate authorities, its proxy.
   *
   * @throws ProviderError
   */
  readonly fetch: Fetch
  /**
   * The provider's metadata, after all checks.
   *
   * @throws ProviderError
   */
  metadata(): Promise<ProviderMetadata>
  /**
   * The key that signs now.
   *
   * @throws KeyError
   */
  signer(): Promise<Signer>
  /**
   * The keys that the JWK Set has now, those for encryption too.
   *
   * @throws KeyError
   */
  publishedKeys(): Promise<readonly PublicJwk[]>
  /**
   * Makes a client assertion for an endpoint, by default the token endpoint.
   *
   * @throws KeyError, ProviderError
   */
  buildAssertion(endpoint?: string): Promise<InspectedAssertion>
  /** The rules of the preset that an assertion breaks. */
  findBrokenRules(assertion: InspectedAssertion): Promise<readonly BrokenRule[]>
  /**
   * Sends a token request with a code that cannot exist.
   *
   * @throws ProviderError where the provider did not answer it, KeyError
   */
  probe(): Promise<Probe>
  /** Lets go of what the key sources hold. */
  close(): Promise<void>
}

/**
 * Takes the Relying Party of these options apart. No request is made.
 *
 * @throws ConfigurationError with every fault
 */
export function inspect(options: Options): Inspection {
  const parts = { clock: systemClock, emit: (() => {}) as Emit }
  const { providers, baseUrl, routes } = readConfig(options, parts)
  const [config] = providers
  if (!config) throw new ConfigurationError([{ path: 'issuer', message: 'is required' }])
  const { issuer, clientId, clientAuth, preset } = config
  const keyRing = createKeyRing({
    sources: config.keySources,
    accepted: config.accepted,
    ...parts,
  })
  const decryptionRing = createDecryptionRing({ sources: config.decryptionSources, ...parts })
  const fetch = createFetch(config.http)
  const base = baseUrl.origin + baseUrl.path
  const redirectUri = base + routes.callback
  const provider = createProvider({
    issuer,
    clientId,
    clientAuth: createClientAuthentication(clientAuth, {
      keyRing,
      options: config.assertion,
      ...parts,
    }),
    preset,
    idTokenAlgs: config.idToken.algs,
    hasAsymmetricIdTokens: true,
    clockTolerance: config.idToken.clockTolerance,
    fetch,
    ...parts,
  })
  const build: BuildAssertion =
    typeof clientAuth === 'function'
      ? async ({ server, endpoint: tokenEndpoint }) =>
          await clientAuth({ issuer: server.issuer, tokenEndpoint, clientId })
      : createAssertionBuilder({ keyRing, options: config.assertion, ...parts })

  const inspection: Inspection = {
    preset,
    issuer,
    clientId,
    clientAuth: readMethod(clientAuth),
    baseUrl: base,
    redirectUri,
    postLogoutRedirectUri: baseUrl.origin + baseUrl.home,
    loginUrl: routes.login === false ? undefined : base + routes.login,
    jwksUrl: routes.jwks === false ? undefined : base + routes.jwks,
    assertion: config.assertion,
    fetch,
    metadata: provider.metadata,
    signer: () => keyRing.current(),
    async publishedKeys() {
      const signing = config.keySources.length > 0 ? await keyRing.published() : []
      const decryption = config.decryptionSources.length > 0 ? await decryptionRing.published() : []
      return [...signing, ...decryption]
    },
    async buildAssertion(called) {
      const server = await provider.metadata()
      const endpoint = called ?? findEndpoint(server, new URLSearchParams('grant_type='))
      const jws = await build({ server, clientId, endpoint })
      return { jws, header: readHeader(jws), claims: decodeJwt(jws), endpoint }
    },
    async findBrokenRules({ header, claims, endpoint }) {
      if (!preset?.assertion) return []
      const { token_endpoint: tokenEndpoint } = await provider.metadata()
      const seen: SeenClientAssertion = {
        header,
        claims,
        clientId,
        formClientId: clientId,
        issuer,
        tokenEndpoint,
        endpoint,
        now: parts.clock.now(),
      }
      return findBrokenRules(preset.assertion, seen)
    },
    async probe() {
      const error = await sendProbe()
      if (error.refusal) return { outcome: 'refused', error }
      return { outcome: error.error === 'invalid_grant' ? 'accepted' : 'unknown', error }
    },
    async close() {
      await Promise.all([keyRing.close(), decryptionRing.close()])
    },
  }

  async function sendProbe(): Promise<ProviderError> {
    const configuration = await provider.configuration()
    const { token_endpoint: endpoint } = await provider.metadata()
    try {
      await client.genericGrantRequest(configuration, 'authorization_code', {
        code: 'countersign-doctor-has-no-code',
        redirect_uri: redirectUri,
        code_verifier: client.randomPKCECodeVerifier(),
      })
    } catch (thrown) {
      const error = readProtocolError(thrown, { code: 'ERR_TOKEN_RESPONSE', endpoint })
      if (error instanceof ProviderError && (error.error ?? error.refusal)) return error
      throw error
    }
    throw new ProviderError('ERR_TOKEN_RESPONSE', `${endpoint} gave tokens for no code`, {
      endpoint,
    })
  }

  return inspection
}

function readMethod(clientAuth: Options['clientAuth']): string {
  if (typeof clientAuth === 'function') return 'callback'
  if (typeof clientAuth === 'object') return clientAuth.method
  return clientAuth ?? 'private_key_jwt'
}

function readHeader(jws: string): Readonly<Record<string, unknown>> {
  try {
    return { ...decodeProtectedHeader(jws) }
  } catch (cause) {
    throw new KeyError('ERR_SIGN', 'the client assertion is not a JWT', { cause })
  }
}
