/**
 * The callback: a browser comes back from the provider and is signed in, however often it comes.
 *
 * @module
 */

import { createHash } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import { generateId } from '../base/random.ts'
import { createSingleFlight } from '../base/single-flight.ts'
import type { BaseUrl } from '../base/url.ts'
import { OidcError, TransactionError } from '../errors.ts'
import type { Emit } from '../events.ts'
import type { Exchange, OidcResponse } from '../exchange.ts'
import { redirect } from '../http/responses.ts'
import type { Provider } from '../provider/discovery.ts'
import { buildKeptClaims, type KeptTokens, type Session } from '../session/session.ts'
import type { SessionStore } from '../session/store.ts'
import { type LoginSettings, startLogin } from './authentication-request.ts'
import {
  checkIssuer,
  findTransaction,
  isUsedCode,
  mayBeRepeated,
  type Redeemed,
  type RedeemSettings,
  readResponseParameters,
  redeemCode,
} from './authentication-response.ts'
import type { LoopBreaker } from './loop-breaker.ts'
import { buildMissingTransaction } from './missing-transaction.ts'
import type { Transaction, Transactions } from './transaction.ts'

/** What finishing a login takes. */
export interface CallbackSettings {
  readonly store: SessionStore
  readonly transactions: Transactions
  readonly loopBreaker: LoopBreaker
  readonly baseUrl: BaseUrl
  /** Turns what was redeemed into the claims that come on top of the ID Token's, or refuses. */
  readonly enrich: (
    client: LoginClient,
    redeemed: Redeemed,
    request: { readonly exchange: Exchange; readonly returnTo: string },
  ) => Promise<Session['extra']>
  readonly keepTokens: (tokens: KeptTokens) => KeptTokens | undefined
  readonly clock: Clock
  readonly emit: Emit
}

/** The registration that a login is of. */
export interface LoginClient {
  readonly id: string
  readonly provider: Provider
  readonly fetchesUserInfo: boolean
  readonly login: LoginSettings
  readonly redeem: RedeemSettings
}

/** Answers the request that the provider of a registration sent the browser with. */
export type Callback = (
  client: LoginClient,
  exchange: Exchange,
  parameters: URLSearchParams,
) => Promise<OidcResponse>

/** Creates the callback of one Relying Party. */
export function createCallback(settings: CallbackSettings): Callback {
  const { store, transactions, loopBreaker, baseUrl, clock, emit } = settings
  const once = createSingleFlight<Session>()

  async function signIn(
    client: LoginClient,
    exchange: Exchange,
    transaction: Transaction,
    parameters: URLSearchParams,
  ): Promise<Session> {
    const started = performance.now()
    // Before the code is redeemed: a logout that comes from now on ends what becomes of it
    const createdAt = clock.now()
    const redeemed = await redeemCode(client.redeem, transaction, parameters)
    const { returnTo } = transaction
    const extra = await settings.enrich(client, redeemed, { exchange, returnTo })
    const { claims, tokens, maxAge } = redeemed
    emit({
      type: 'login.succeeded',
      sub: claims.sub,
      sid: claims.sid,
      duration: performance.now() - started,
    })
    return {
      // RFC 9700, 4.7 and session fixation: a login never continues an older session
      id: generateId(),
      provider: transaction.provider,
      createdAt,
      seenAt: clock.now(),
      claims: buildKeptClaims(claims),
      extra,
      tokens: settings.keepTokens(tokens),
      maxAge,
    }
  }

  /** A double click sends one code twice: the second request gets what the first one earned. */
  function signInOnce(
    client: LoginClient,
    exchange: Exchange,
    transaction: Transaction,
    parameters: URLSearchParams,
  ): Promise<Session> {
    const code = createHash('sha256').update(parameters.toString()).digest('base64url')
    return once(`${transaction.state} ${code}`, () =>
      signIn(client, exchange, transaction, parameters),
    )
  }

  /** Where nothing is left of the login, a signed-in End-User just goes on. */
  function resume(exchange: Exchange, returnTo: string): OidcResponse | undefined {
    return store.open(exchange).read() ? redirect(returnTo) : undefined
  }

  async function finish(
    client: LoginClient,
    exchange: Exchange,
    transaction: Transaction,
    parameters: URLSearchParams,
  ): Promise<OidcResponse> {
    const { state, returnTo, isRetry, isFormPost, stepUp, maxAge } = transaction
    try {
      const session = await signInOnce(client, exchange, transaction, parameters)
      const size = await store.open(exchange).write(session, transaction.startedAt)
      transactions.finish(exchange, transaction, size)
      loopBreaker.count(exchange, isFormPost === true)
      return redirect(returnTo)
    } catch (error) {
      if (!mayBeRepeated(error, client.provider)) transactions.drop(exchange, state)
      if (!isUsedCode(error)) throw error
      // Another process may have redeemed it: its session is here, or one more login brings it
      const isStepUp = stepUp !== undefined || maxAge !== undefined
      const resumed = isStepUp ? undefined : resume(exchange, returnTo)
      if (resumed) return resumed
      if (isRetry) throw error
      return await startLogin(client.login, exchange, { returnTo, stepUp, maxAge, isRetry: true })
    }
  }

  return async function callback(client, exchange, untrusted) {
    const parameters = readResponseParameters(untrusted)
    let transaction: ReturnType<Transactions['find']>
    try {
      transaction = findTransaction(transactions, exchange, parameters)
    } catch (error) {
      const resumed = error instanceof OidcError && resume(exchange, baseUrl.home)
      if (resumed) return resumed
      throw error
    }
    if (!transaction) {
      const state = parameters.get('state') ?? ''
      const cookieName = transactions.cookieName(state)
      const isTooOld = transactions.isTooOld(exchange, state)
      const missing = buildMissingTransaction(exchange, { cookieName, baseUrl, isTooOld })
      return resume(exchange, baseUrl.home) ?? raise(missing)
    }
    if ('finished' in transaction) {
      // The session cookie does not come along with a POST from another site; the next page sees it
      if (exchange.method === 'POST') return redirect(transaction.returnTo)
      return resume(exchange, transaction.returnTo) ?? raise(alreadyFinished())
    }
    checkIssuer(transaction, parameters, client)
    return await finish(client, exchange, transaction, parameters)
  }
}

function raise(error: OidcError): never {
  throw error
}

function alreadyFinished(): OidcError {
  return new TransactionError(
    'ERR_STATE',
    'this login is finished already, but the browser does not send the session cookie it left',
    { reason: 'replayed' },
  )
}
