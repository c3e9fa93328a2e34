/**
 * The client assertion of `private_key_jwt`: a short-lived JWT, new for every HTTP request, signed with
 * whatever holds the private key.
 *
 * @see OpenID Connect Core 1.0, 9
 * @see RFC 7523, 2.2 and 3
 *
 * @module
 */

import { randomUUID } from 'node:crypto'
import type { ClientAuth } from 'openid-client'
import { actInTime } from '../base/abort.ts'
import type { Clock } from '../base/clock.ts'
import type { Emit } from '../events.ts'
import { type BuildSigningInput, signCurrent } from '../jose/sign-current.ts'
import type { CertificateHeader, Certificates } from '../keys/certificate.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import type { Signer } from '../keys/signer.ts'
import { readAudience } from '../provider/assertion-rules.ts'
import { setAssertion, setSignedSecret } from './set-assertion.ts'

/** What a provider demands of a client assertion. */
export interface AssertionOptions {
  /** Who it is for: always one string. */
  readonly audience: string
  /** Seconds until it expires. */
  readonly lifetime: number
  /** The header's `typ`; none is sent when absent or `false`. */
  readonly typ?: string | false | undefined
  /** `thumbprint`: always sent; `explicit`: only where the key names one; `false`: never; else itself. */
  readonly kid: string | false
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  /** What `iss` is, where it is not the client identifier. */
  readonly issuer?: string | undefined
  /** Seconds that `iat` is set back. */
  readonly backdate?: number | undefined
  /** Whether `nbf` is sent. */
  readonly hasNotBefore?: boolean | undefined
  /** Whether the JWT goes into the place of a client secret. */
  readonly isClientSecret?: boolean | undefined
  /** The keys' certificates, and the header parameter that names one. */
  readonly certificates?: Certificates | undefined
  readonly certificateHeader: CertificateHeader
}

/** What it takes to make one. */
export interface AssertionSettings {
  readonly keyRing: KeyRing
  readonly options: AssertionOptions
  readonly clock: Clock
  readonly emit: Emit
}

/** The provider, as far as its metadata says how an assertion is to be. */
export interface AssertionServer {
  readonly issuer: string
  readonly token_endpoint?: string
  readonly pushed_authorization_request_endpoint?: string
  readonly revocation_endpoint?: string
  readonly token_endpoint_auth_signing_alg_values_supported?: string[]
}

/** Builds one client assertion for a request to `endpoint`. @throws KeyError */
export type BuildAssertion = (request: {
  readonly server: AssertionServer
  readonly clientId: string
  readonly endpoint: string
}) => Promise<string>

/** Milliseconds that a key and a signature may take, so that most of the assertion's life is left. */
const signTimeout = 5000

/** Creates the maker of client assertions. */
export function createAssertionBuilder(settings: AssertionSettings): BuildAssertion {
  const { keyRing, options, clock, emit } = settings
  return async ({ server, clientId, endpoint }) => {
    const started = performance.now()
    const build: BuildSigningInput = (signer) => {
      const now = clock.now()
      const issuedAt = now - (options.backdate ?? 0)
      const alg = readAlg(signer, server)
      return {
        header: {
          ...options.header,
          alg,
          ...readKid(signer, options.kid),
          ...readTyp(options.typ),
          ...options.certificates?.buildHeader(signer, options.certificateHeader),
        },
        payload: {
          ...options.claims,
          iss: options.issuer ?? clientId,
          sub: clientId,
          // One string, never a list: RFC 7523bis, 4; FAPI 2.0 Security Profile, 5.3.3.1
          aud: readServerAudience(options.audience, server, endpoint),
          jti: randomUUID(),
          iat: issuedAt,
          ...(options.hasNotBefore && { nbf: issuedAt }),
          exp: now + options.lifetime,
        },
      }
    }
    const { jws, signer } = await actInTime({ milliseconds: signTimeout }, (signal) =>
      signCurrent({ keyRing, build, signal }),
    )
    const duration = performance.now() - started
    emit({ type: 'key.signed', kid: signer.kid, alg: readAlg(signer, server), duration })
    return jws
  }
}

/**
 * Creates the Client Authentication that sends a client assertion, or the same in the place of a client
 * secret: new for every request, though such a provider would take one for months.
 */
export function createClientAssertion(settings: AssertionSettings): ClientAuth {
  const buildAssertion = createAssertionBuilder(settings)
  const set = settings.options.isClientSecret ? setSignedSecret : setAssertion
  return async (server, { client_id: clientId }, body) => {
    const endpoint = findEndpoint(server, body)
    set(body, clientId, await buildAssertion({ server, clientId, endpoint }))
  }
}

/** The endpoint that a request goes to, by what it asks for. */
export function findEndpoint(server: AssertionServer, body: URLSearchParams): string {
  const { token_endpoint: token = server.issuer } = server
  if (body.has('grant_type')) return token
  // RFC 9126, 2.1 and RFC 7009, 2.1
  if (body.has('token')) return server.revocation_endpoint ?? token
  return server.pushed_authorization_request_endpoint ?? token
}

/** The one audience, as the provider's metadata has it. */
export function readServerAudience(
  audience: string,
  { issuer, token_endpoint: tokenEndpoint = issuer }: AssertionServer,
  endpoint: string,
): string {
  return readAudience(audience, { issuer, tokenEndpoint, endpoint })
}

// RFC 9864 names the algorithm "Ed25519"; most providers still know it as "EdDSA" only
function readAlg({ alg }: Signer, server: AssertionServer): string {
  if (alg !== 'EdDSA') return alg
  const known = server.token_endpoint_auth_signing_alg_values_supported ?? []
  return known.includes('Ed25519') && !known.includes('EdDSA') ? 'Ed25519' : 'EdDSA'
}

function readKid(signer: Signer, kid: AssertionOptions['kid']): { readonly kid?: string } {
  if (kid === 'thumbprint') return { kid: signer.kid }
  if (kid === 'explicit') return signer.hasExplicitKid ? { kid: signer.kid } : {}
  return kid === false ? {} : { kid }
}

/** The header's `typ`, where there is one. */
export function readTyp(typ: AssertionOptions['typ']): { readonly typ?: string } {
  return typ ? { typ } : {}
}
