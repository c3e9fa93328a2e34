/**
 * The Authentication Request: sends a browser to the provider and remembers what for.
 *
 * @see OpenID Connect Core 1.0, 3.1.2.1
 *
 * @module
 */

import { createHash } from 'node:crypto'
import * as client from 'openid-client'
import type { Clock } from '../base/clock.ts'
import { dropUndefined } from '../base/objects.ts'
import { generateId } from '../base/random.ts'
import type { BaseUrl } from '../base/url.ts'
import { ConfigurationError } from '../errors.ts'
import type { Emit } from '../events.ts'
import type { Exchange, OidcResponse } from '../exchange.ts'
import { redirect } from '../http/responses.ts'
import { findRefusedParameters } from '../provider/authorization-rules.ts'
import type { Provider } from '../provider/discovery.ts'
import type { AuthorizationDemands, Preset } from '../provider/preset.ts'
import { readProtocolError } from '../provider/protocol-error.ts'
import { readRequestedAcr, writeAcr } from './acr.ts'
import type { LoopBreaker } from './loop-breaker.ts'
import type { StepUp, Transactions } from './transaction.ts'

/** Wire parameters of the Authentication Request. Objects and lists are sent as JSON. */
export type AuthorizationParameters = Readonly<
  Record<
    string,
    string | number | boolean | Readonly<Record<string, unknown>> | readonly unknown[] | undefined
  >
>

/** Wire parameters for every login, or a function that knows them for a request. */
export type Authorization =
  | AuthorizationParameters
  | ((exchange: Exchange) => AuthorizationParameters | Promise<AuthorizationParameters>)

/** One login to be started. */
export interface LoginRequest {
  /** A safe path on `baseUrl`. */
  readonly returnTo: string
  readonly authorization?: AuthorizationParameters | undefined
  readonly stepUp?: StepUp | undefined
  /** The least `max_age` asked for. */
  readonly maxAge?: number | undefined
  readonly isRetry?: boolean | undefined
}

/** What starting a login takes. */
export interface LoginSettings {
  /** The id of the registration; `''` where there is only one. */
  readonly id: string
  readonly provider: Provider
  readonly transactions: Transactions
  readonly loopBreaker: LoopBreaker
  readonly redirectUri: string
  readonly baseUrl: BaseUrl
  readonly authorization: Authorization
  /** What the provider is known to demand of a request. */
  readonly demands: Pick<Preset, 'title' | 'acr' | 'authorization'> | undefined
  readonly clock: Clock
  readonly emit: Emit
  /** Checks that there is a key, where one is needed to finish a login. */
  checkKeys(): Promise<void>
}

/** Parameters that are the RP's own. */
export const ownParameters: readonly string[] = [
  'client_id',
  'client_assertion',
  'client_assertion_type',
  'client_secret',
  'code_challenge',
  'code_challenge_method',
  'nonce',
  'redirect_uri',
  'request',
  'request_uri',
  'response_type',
  'state',
]

const defaults = { scope: 'openid profile email' }

/**
 * Starts a login and returns the redirect to the provider.
 *
 * @throws TransactionError `ERR_LOGIN_LOOP`
 * @throws ProviderError
 * @throws KeyError
 */
export async function startLogin(
  settings: LoginSettings,
  exchange: Exchange,
  request: LoginRequest,
): Promise<OidcResponse> {
  settings.loopBreaker.check(exchange)
  const { provider, transactions, emit } = settings
  // Nobody is sent away to sign in whose login could not be finished
  const [configuration] = await Promise.all([provider.configuration(), settings.checkKeys()])
  const { authorization, demands } = settings
  const parameters = toWire({
    ...defaults,
    ...demands?.authorization?.defaults,
    ...dropUndefined(
      typeof authorization === 'function' ? await authorization(exchange) : authorization,
    ),
    ...request.authorization,
    ...buildStepUpParameters(request, demands?.authorization),
  })
  if (demands) checkParameters(demands, parameters)
  const wire = demands?.acr ? writeAcr(parameters, demands.acr) : parameters
  const state = generateId()
  const nonce = client.randomNonce()
  const codeVerifier = client.randomPKCECodeVerifier()
  const location = await buildLocation(configuration, {
    ...wire,
    response_type: 'code',
    redirect_uri: settings.redirectUri,
    state,
    nonce,
    // RFC 9700, 2.1.1: always, and never "plain"
    code_challenge: createHash('sha256').update(codeVerifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  const { returnTo, stepUp, isRetry } = request
  transactions.begin(exchange, {
    state,
    nonce,
    codeVerifier,
    issuer: provider.issuer,
    provider: settings.id === '' ? undefined : settings.id,
    returnTo,
    startedAt: settings.clock.now(),
    maxAge: wire['max_age'] === undefined ? undefined : Number(wire['max_age']),
    stepUp,
    acr: demands?.acr && readRequestedAcr(wire),
    isRetry,
    isFormPost: wire['response_mode'] === 'form_post',
  })
  emit({ type: 'login.started', returnTo, stepUp: stepUp !== undefined })
  return redirect(location)
}

/** What an app says at a login is known only now. @throws ConfigurationError */
function checkParameters(
  demands: NonNullable<LoginSettings['demands']>,
  parameters: Readonly<Record<string, string>>,
): void {
  const faults = findRefusedParameters(demands, parameters)
  if (faults.length === 0) return
  throw new ConfigurationError(
    faults.map(({ parameter, message }) => ({ path: `authorization.${parameter}`, message })),
  )
}

function buildStepUpParameters(
  { stepUp, maxAge }: LoginRequest,
  { prompts }: AuthorizationDemands = {},
): AuthorizationParameters {
  return {
    ...(stepUp?.acr && { acr_values: stepUp.acr.join(' ') }),
    // No parameter asks for a method: only a new sign-in gives the choice of one
    ...(stepUp?.amr && (prompts?.includes('login') ?? true) && { prompt: 'login' }),
    ...(maxAge !== undefined && { max_age: maxAge }),
  }
}

function toWire(parameters: AuthorizationParameters): Record<string, string> {
  const wire: Record<string, string> = {}
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined) continue
    wire[name] = typeof value === 'object' ? JSON.stringify(value) : String(value)
  }
  return wire
}

async function buildLocation(
  configuration: client.Configuration,
  parameters: Record<string, string>,
): Promise<string> {
  const metadata = configuration.serverMetadata()
  // RFC 9126, 5: a provider that takes only pushed requests says so
  if (metadata.require_pushed_authorization_requests !== true) {
    return client.buildAuthorizationUrl(configuration, parameters).href
  }
  try {
    return (await client.buildAuthorizationUrlWithPAR(configuration, parameters)).href
  } catch (error) {
    const endpoint = metadata.pushed_authorization_request_endpoint
    throw readProtocolError(error, { code: 'ERR_PROVIDER_RESPONSE', endpoint })
  }
}
