/**
 * Back-channel logout: the provider says itself, without the browser, that a session has ended.
 *
 * Whoever sends such a request is answered in a few fixed words; what was wrong with it is in an event.
 *
 * @see OpenID Connect Back-Channel Logout 1.0, 2.5–2.8
 *
 * @module
 */

import { decodeJwt } from 'jose'
import {
  ConfigurationError,
  KeyError,
  OidcError,
  ProviderError,
  SessionError,
  TokenValidationError,
  TransactionError,
} from '../errors.ts'
import type { Exchange, OidcResponse } from '../exchange.ts'
import { empty } from '../http/responses.ts'
import { isCompactJwe } from '../jose/decrypt.ts'
import { nameOf } from '../session/ended-sessions.ts'
import { type EndingSettings, endSessions } from './end-sessions.ts'
import { type LogoutTokenSettings, readLogoutToken } from './logout-token.ts'

/** A registration that a Logout Token may be for. */
export interface LogoutTokenClient {
  /** `''` where there is only one. */
  readonly id: string
  readonly logoutToken: LogoutTokenSettings
}

/** What receiving a Logout Token takes. */
export interface BackChannelSettings extends EndingSettings {
  /** The registrations that a token may be for; one, where the path names it. */
  readonly clients: () => Promise<readonly LogoutTokenClient[]>
  /** Tells of a request that is refused. */
  readonly tell: (error: OidcError) => void
}

/** Seconds after which it is worth sending a token again. */
const retryAfter = 10

/** Answers a Logout Token. A page of the app's own (`onError`) would be of no use to a provider. */
export async function answerBackChannelLogout(
  settings: BackChannelSettings,
  exchange: Exchange,
): Promise<OidcResponse> {
  try {
    await receiveLogoutToken(settings, exchange)
    // 2.8: also where the End-User was signed out already
    return empty(200)
  } catch (error) {
    if (!(error instanceof OidcError)) throw error
    settings.tell(error)
    return buildRefusal(error)
  }
}

async function receiveLogoutToken(
  settings: BackChannelSettings,
  exchange: Exchange,
): Promise<void> {
  const { records } = settings
  if (!records) {
    const message =
      'is needed for back-channel logout, or else a "logout.store": a session that is in its cookie ' +
      'alone cannot be ended from elsewhere'
    throw new ConfigurationError([{ path: 'session.store', message }])
  }
  const token = readField(await exchange.form())
  const { id, logoutToken } = chooseClient(await settings.clients(), token)
  const { iss, sub, sid, jti, exp } = await readLogoutToken(logoutToken, token)
  const from = { iss, ...(id !== '' && { provider: id }) }
  const seen = nameOf('jti', from, jti)
  // 2.6 (8): one that was read by somebody must not end what began after it
  if ((await records.get(seen)) !== undefined) throw refuse('"jti" came before', 'jti')
  await endSessions(settings, { ...from, sub, sid }, { by: 'back-channel', provider: id })
  // Only now: what the store failed to end may be sent again
  await records.put(seen, { exp }, exp + logoutToken.clockTolerance)
}

/** 2.5: other fields are ignored. */
function readField(form: URLSearchParams): string {
  const [token, another] = form.getAll('logout_token')
  if (token && another === undefined) return token
  throw new TransactionError('ERR_LOGOUT_REQUEST', 'the form must have one "logout_token"', {
    reason: token ? 'invalid' : 'missing',
  })
}

/** Finds the registration that a token says it is for; that it is so is checked when it is read. */
function chooseClient(clients: readonly LogoutTokenClient[], token: string): LogoutTokenClient {
  const [only, ...others] = clients
  if (only && others.length === 0) return only
  const isEncrypted = isCompactJwe(token)
  const [first, second] = isEncrypted
    ? clients.filter(({ logoutToken }) => logoutToken.decryptionRing !== undefined)
    : clients.filter(isMeantBy(token))
  // Nobody can make us try the keys of one after the other
  if (isEncrypted && second) {
    throw refuse(
      'the Logout Token is encrypted: register the URI that ends in the id of the provider',
    )
  }
  return first ?? noClient()
}

function isMeantBy(token: string): (client: LogoutTokenClient) => boolean {
  const { iss, aud } = readUnverified(token)
  const audiences = [aud].flat()
  return ({ logoutToken: { provider, clientId } }) =>
    provider.issuer === iss && audiences.includes(clientId)
}

function readUnverified(token: string): ReturnType<typeof decodeJwt> {
  try {
    return decodeJwt(token)
  } catch {
    throw refuse('the Logout Token is not a JWT')
  }
}

function noClient(): never {
  throw refuse('the Logout Token is for no client of this app at a provider of its own', 'aud')
}

function refuse(message: string, claim?: string): TokenValidationError {
  const details = { tokenKind: 'logout_token', claim, reason: 'invalid' } as const
  return new TokenValidationError('ERR_LOGOUT_TOKEN', message, details)
}

/** 2.8: 400 for what is wrong with the request; and 503 for what may be better when it is sent again. */
function buildRefusal(error: OidcError): OidcResponse {
  const isOurs =
    error instanceof SessionError || error instanceof ProviderError || error instanceof KeyError
  const [status, name, headers] = isOurs
    ? ([503, 'temporarily_unavailable', { 'retry-after': String(retryAfter) }] as const)
    : ([400, 'invalid_request', {}] as const)
  return {
    status,
    headers: { 'cache-control': 'no-store', 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ error: name, error_description: describe(error, isOurs) }),
  }
}

/** Nothing of the request is repeated. */
function describe(error: OidcError, isOurs: boolean): string {
  if (isOurs) return 'not possible right now, send it again later'
  if (error instanceof TokenValidationError) return 'the Logout Token is not acceptable'
  if (error instanceof ConfigurationError) return 'this app cannot end sessions from elsewhere'
  return 'send a form with one logout_token to the URI that is registered'
}
