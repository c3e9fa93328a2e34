/**
 * The Authentication Response: finds the login that it belongs to, redeems the code, and checks what
 * comes back.
 *
 * @see OpenID Connect Core 1.0, 3.1.2.5–3.1.3.7
 *
 * @module
 */

import * as client from 'openid-client'
import type { Clock } from '../base/clock.ts'
import { OidcError, ProviderError, TransactionError } from '../errors.ts'
import type { Exchange } from '../exchange.ts'
import { isReset, withoutQuery } from '../http/fetch.ts'
import type { Provider } from '../provider/discovery.ts'
import type { AcrDemands } from '../provider/preset.ts'
import { readProtocolError } from '../provider/protocol-error.ts'
import type { IdTokenClaims, KeptTokens } from '../session/session.ts'
import { buildTokens } from '../tokens/refresh.ts'
import { checkAcr, nameAcr } from './acr.ts'
import { checkIdToken } from './id-token.ts'
import type { FinishedTransaction, Transaction, Transactions } from './transaction.ts'

/** What redeeming a code takes. */
export interface RedeemSettings {
  readonly provider: Provider
  readonly clientId: string
  readonly redirectUri: string
  readonly trustedAudiences: readonly string[]
  readonly clockTolerance: number
  /** What the client has to check of how the End-User was authenticated. */
  readonly acr: AcrDemands | undefined
  /** Verifies an ID Token under the client secret, where that is how they are signed. */
  readonly verifySecretSignature: ((idToken: string) => Promise<void>) | undefined
  readonly clock: Clock
}

/** A code that was redeemed for good tokens. */
export interface Redeemed {
  readonly claims: IdTokenClaims
  readonly tokens: KeptTokens & { readonly accessToken: string }
  /** The `max_age` that was asked for and is met. */
  readonly maxAge: number | undefined
}

/** Parameters of an Authentication Response, each at most once. */
export function readResponseParameters(parameters: URLSearchParams): URLSearchParams {
  const seen = new Set<string>()
  for (const name of parameters.keys()) {
    // RFC 6749, 3.1: parameters MUST NOT be included more than once
    if (seen.has(name)) {
      throw new TransactionError('ERR_STATE', `"${name.slice(0, 64)}" is there more than once`, {
        reason: 'invalid',
      })
    }
    seen.add(name)
  }
  return parameters
}

/**
 * Finds the login that a response belongs to: this browser's, with this `state`.
 *
 * @throws TransactionError `ERR_STATE` when the response carries none
 */
export function findTransaction(
  transactions: Transactions,
  exchange: Exchange,
  parameters: URLSearchParams,
): Transaction | FinishedTransaction | undefined {
  const state = parameters.get('state')
  if (state === null) {
    throw new TransactionError('ERR_STATE', 'the response carries no "state"', {
      reason: 'missing',
    })
  }
  if (!/^[0-9a-f]{32}$/.test(state)) {
    throw new TransactionError('ERR_STATE', '"state" is not one of ours', { reason: 'invalid' })
  }
  return transactions.find(exchange, state)
}

/**
 * Checks that the response comes from the provider that this login was started with, before anything
 * in it is acted upon, an error included.
 *
 * @throws TransactionError `ERR_ISS_MISMATCH`
 * @see RFC 9207, 2.4
 */
export function checkIssuer(
  transaction: Transaction,
  parameters: URLSearchParams,
  { id, provider: { issuer } }: { readonly id: string; readonly provider: Provider },
): void {
  const iss = parameters.get('iss')
  // RFC 9700, 4.4.2.2: each provider has a redirection endpoint of its own
  if ((transaction.provider ?? '') !== id) {
    const message = 'the login was started with another provider than the one of this address'
    throw new TransactionError('ERR_ISS_MISMATCH', message, { reason: 'mismatch' })
  }
  if (transaction.issuer === issuer && (iss === null || iss === issuer)) return
  throw new TransactionError(
    'ERR_ISS_MISMATCH',
    iss === null
      ? 'the login was started with another issuer than the configured one'
      : `"iss" of the response is not the issuer that the login was started with, "${transaction.issuer}"`,
    { reason: 'mismatch' },
  )
}

/**
 * Redeems the code of a response.
 *
 * @throws AuthenticationResponseError when the response is the provider's "no"
 * @throws ProviderError, TokenValidationError, KeyError
 */
export async function redeemCode(
  settings: RedeemSettings,
  transaction: Transaction,
  parameters: URLSearchParams,
): Promise<Redeemed> {
  const { provider, clock } = settings
  const { issuer, token_endpoint, authorization_response_iss_parameter_supported } =
    await provider.metadata()
  // RFC 9207, 2.4: a provider that announces "iss" and leaves it out is not the one answering
  if (authorization_response_iss_parameter_supported && !parameters.has('iss')) {
    throw new TransactionError(
      'ERR_ISS_MISMATCH',
      `the response lacks "iss", and ${issuer} sends it`,
      {
        reason: 'missing',
      },
    )
  }
  const maxAge = readMaxAge(transaction, clock.now())
  try {
    const response = await requestTokens(settings, transaction, { parameters, maxAge })
    const { acr } = settings
    const read = response.claims() as IdTokenClaims
    const claims = acr ? nameAcr(read, acr) : read
    const idToken = response.id_token ?? ''
    await settings.verifySecretSignature?.(idToken)
    checkIdToken(idToken, claims, {
      clientId: settings.clientId,
      trustedAudiences: settings.trustedAudiences,
      accessToken: response.access_token,
      stepUp: transaction.stepUp,
      acr,
      now: clock.now(),
      clockTolerance: settings.clockTolerance,
    })
    if (acr) checkAcr(read, transaction.acr, acr)
    const tokens = buildTokens(response, { now: clock.now(), nonce: transaction.nonce })
    return {
      claims,
      tokens: { ...tokens, accessToken: response.access_token },
      maxAge: transaction.maxAge,
    }
  } catch (error) {
    throw readProtocolError(error, { code: 'ERR_TOKEN_RESPONSE', endpoint: token_endpoint })
  }
}

/** Two attempts, since a kept-alive connection may just have been closed by the other side. */
async function requestTokens(
  { provider, redirectUri }: RedeemSettings,
  { state, nonce, codeVerifier }: Transaction,
  { parameters, maxAge }: { parameters: URLSearchParams; maxAge: number | undefined },
): Promise<client.TokenEndpointResponse & client.TokenEndpointResponseHelpers> {
  const url = new URL(redirectUri)
  url.search = parameters.toString()
  const attempt = async () =>
    client.authorizationCodeGrant(await provider.configuration(), url, {
      expectedState: state,
      expectedNonce: nonce,
      pkceCodeVerifier: codeVerifier,
      idTokenExpected: true,
      ...(maxAge !== undefined && { maxAge }),
    })
  try {
    return await attempt()
  } catch (error) {
    // The next attempt has an assertion of its own; a code that was used after all is "invalid_grant"
    if (isReset(findProviderError(error)?.cause)) return await attempt()
    throw error
  }
}

function findProviderError(error: unknown): ProviderError | undefined {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof ProviderError ? cause : undefined
}

/**
 * `max_age` counts back from the request, and openid-client counts back from now: a page that the
 * End-User took his time on must not turn a fresh sign-in into an old one.
 */
function readMaxAge({ maxAge, startedAt }: Transaction, now: number): number | undefined {
  return maxAge === undefined ? undefined : maxAge + Math.max(now - startedAt, 0)
}

/** Whether the provider says that the code was used before, or is not this login's. */
export function isUsedCode(error: unknown): boolean {
  return error instanceof ProviderError && error.error === 'invalid_grant'
}

/**
 * Whether the same response may be tried again: the code was not sent, or the token endpoint did not
 * answer. What fails later, the provider's keys and UserInfo, fails with a code that is used.
 *
 * @see RFC 6749, 4.1.2
 */
export function mayBeRepeated(error: unknown, provider: Provider): boolean {
  if (!(error instanceof OidcError) || error.status !== 503) return false
  const server = provider.known()
  if (!(error instanceof ProviderError) || !server) return true
  return error.endpoint === withoutQuery(new URL(server.token_endpoint).href)
}
