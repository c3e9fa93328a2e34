/**
 * The guard: who may pass, and what becomes of who may not.
 *
 * @module
 */

import { open, type Parts } from './current-session.ts'
import { answerError } from './error-response.ts'
import { OidcError } from './errors.ts'
import type { OidcResponse } from './exchange.ts'
import { isFromOneOf, isHandshake } from './http/origin.ts'
import { empty } from './http/responses.ts'
import { type AuthorizationParameters, startLogin } from './login/authentication-request.ts'
import { isNavigation, isPrefetch } from './login/negotiation.ts'
import { buildSignedOut } from './logout/signed-out.ts'
import { buildChoice, buildLoginUrl } from './provider-choice.ts'
import {
  buildForbidden,
  buildForeign,
  buildInsufficient,
  buildUnauthenticated,
} from './refusals.ts'
import { findStepUp, hasClaims, type Requirements } from './requirements.ts'
import { buildUser, type Claims } from './session/session.ts'

/** What a handler may start a login with. */
export interface LoginOptions {
  /** Where to go on afterwards: a path on `baseUrl`. Default: this very request's. */
  readonly returnTo?: string
  /** More wire parameters for this login. */
  readonly authorization?: AuthorizationParameters
  /** The id of the provider to sign in at, where the app has several. */
  readonly provider?: string
}

/** Starts a login from where the request is. */
export async function login(
  { wiring, exchange }: Parts,
  { returnTo, authorization, provider }: LoginOptions = {},
  stepUp?: Missing,
): Promise<OidcResponse> {
  const target = wiring.readReturnTo(returnTo ?? wiring.externalPath(exchange.target))
  try {
    wiring.logout.signedOut.forget(exchange)
    const registration = await wiring.registrations.choose(exchange, provider)
    if (!registration) return buildChoice(wiring, target)
    const request = { returnTo: target, authorization, ...stepUp }
    return await startLogin(registration.login, exchange, request)
  } catch (error) {
    if (!(error instanceof OidcError)) throw error
    return await answerError(wiring, { exchange, error, isLogin: true })
  }
}

/** A response for who may not pass, or `undefined`. */
export async function requireLogin(
  request: Parts,
  requirements: Requirements<Claims> = {},
): Promise<OidcResponse | undefined> {
  const { wiring, exchange } = request
  const handle = open(request)
  const session = handle.read()
  // Whether somebody is signed in is not known, and a login would not help
  if (handle.failure)
    return await answerError(wiring, { exchange, error: handle.failure, isLogin: false })
  const { provider } = requirements
  const isOfOther = provider !== undefined && ![provider].flat().includes(session?.provider ?? '')
  if (!session || session.tokens?.isRefused || isOfOther) {
    // What nobody has asked for yet starts no login
    if (isPrefetch(exchange)) return empty(503)
    const tenant = await wiring.registrations.tenantOf(exchange)
    const accepted = [provider ?? session?.provider ?? []].flat()
    const wanted = accepted.find((id) => id === tenant) ?? accepted[0]
    if (!isNavigation(exchange)) {
      return buildUnauthenticated(wiring, buildLoginUrl(wiring, wanted ?? tenant))
    }
    // Who has just signed out is not signed in again unasked
    const here = wiring.readReturnTo(wiring.externalPath(exchange.target))
    if (!session && wiring.logout.signedOut.isReturn(exchange, here)) return buildSignedOut(here)
    return await login(request, { ...(wanted !== undefined && { provider: wanted }) })
  }
  if (isHandshake(exchange) && !isFromOneOf([wiring.config.baseUrl.origin], exchange)) {
    return buildForeign()
  }
  const missing = findStepUp(session, requirements, {
    now: wiring.clock.now(),
    demands:
      requirements.acr === undefined
        ? undefined
        : (await wiring.registrations.of(session)).login.demands?.acr,
  })
  if (missing) {
    if (isPrefetch(exchange)) return empty(503)
    if (!isNavigation(exchange)) return buildInsufficient(requirements)
    const { provider: current } = session
    return await login(request, { ...(current !== undefined && { provider: current }) }, missing)
  }
  const isWelcome = await hasClaims(buildUser(session), requirements.claims)
  return isWelcome ? undefined : buildForbidden(exchange)
}

type Missing = NonNullable<ReturnType<typeof findStepUp>>
