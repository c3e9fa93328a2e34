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
import type { KeyRing } from '../keys/key-ring.ts'
import type { Signer } from '../keys/signer.ts'
import { setAssertion } from './set-assertion.ts'

/** What a provider demands of a client assertion. */
export interface AssertionOptions {
  /** Who it is for: always one string. */
  readonly audience: string
  /** Seconds until it expires. */
  readonly lifetime: number
  /** The header's `typ`; none is sent when absent. */
  readonly typ?: string | undefined
  /** `thumbprint`: always sent; `explicit`: only where the key names one; `false`: never; else itself. */
  readonly kid: string | false
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
}

/** What it takes to make one. */
export interface AssertionSettings {
  readonly keyRing: KeyRing
  readonly options: AssertionOptions
  readonly clock: Clock
  readonly emit: Emit
}

interface Server {
  readonly issuer: string
  readonly token_endpoint?: string
  readonly token_endpoint_auth_signing_alg_values_supported?: string[]
}

/** Milliseconds that a key and a signature may take, so that most of the assertion's life is left. */
const signTimeout = 5000

/** Creates the Client Authentication that sends a client assertion. */
export function createClientAssertion(settings: AssertionSettings): ClientAuth {
  const { keyRing, options, clock, emit } = settings
  return async (server, { client_id }, body) => {
    const started = performance.now()
    const build: BuildSigningInput = (signer) => {
      const issuedAt = clock.now()
      const alg = readAlg(signer, server)
      return {
        header: {
          ...options.header,
          alg,
          ...readKid(signer, options.kid),
          ...readTyp(options.typ),
        },
        payload: {
          ...options.claims,
          iss: client_id,
          sub: client_id,
          // One string, never a list: RFC 7523bis, 4; FAPI 2.0 Security Profile, 5.3.3.1
          aud: readAudience(options.audience, server),
          jti: randomUUID(),
          iat: issuedAt,
          exp: issuedAt + options.lifetime,
        },
      }
    }
    const { jws, signer } = await actInTime({ milliseconds: signTimeout }, (signal) =>
      signCurrent({ keyRing, build, signal }),
    )
    const duration = performance.now() - started
    emit({ type: 'key.signed', kid: signer.kid, alg: readAlg(signer, server), duration })
    setAssertion(body, client_id, jws)
  }
}

/** The one audience: the issuer, unless the provider is known to want another. */
export function readAudience(audience: string, server: Server): string {
  if (audience === 'issuer') return server.issuer
  if (audience === 'token_endpoint') return server.token_endpoint ?? server.issuer
  return audience
}

// RFC 9864 names the algorithm "Ed25519"; most providers still know it as "EdDSA" only
function readAlg({ alg }: Signer, server: Server): string {
  if (alg !== 'EdDSA') return alg
  const known = server.token_endpoint_auth_signing_alg_values_supported ?? []
  return known.includes('Ed25519') && !known.includes('EdDSA') ? 'Ed25519' : 'EdDSA'
}

function readKid(signer: Signer, kid: AssertionOptions['kid']): { readonly kid?: string } {
  if (kid === 'thumbprint') return { kid: signer.kid }
  if (kid === 'explicit') return signer.hasExplicitKid ? { kid: signer.kid } : {}
  return kid === false ? {} : { kid }
}

function readTyp(typ: string | undefined): { readonly typ?: string } {
  return typ === undefined ? {} : { typ }
}
