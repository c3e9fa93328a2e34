/**
 * Front-channel logout: the provider says in a frame of the End-User's browser that a session has ended.
 *
 * Browsers send no cookies to such a frame, or soon will not. So the session is found by `iss` and `sid`,
 * and both are demanded: without them, a frame on any page could sign out whoever looks at it.
 *
 * @see OpenID Connect Front-Channel Logout 1.0, 2 and 3
 *
 * @module
 */

import { TransactionError } from '../errors.ts'
import type { Exchange, OidcResponse } from '../exchange.ts'
import { empty } from '../http/responses.ts'
import { isPrefetch } from '../login/negotiation.ts'
import type { Provider } from '../provider/discovery.ts'
import { nameOf, type Origin } from '../session/ended-sessions.ts'
import type { Session } from '../session/session.ts'
import type { SessionHandle } from '../session/store.ts'
import { type EndingSettings, endSessions, tellEnd } from './end-sessions.ts'

/** A registration whose provider may have such a frame. */
export interface FrontChannelClient {
  /** `''` where there is only one. */
  readonly id: string
  readonly issuer: string
  readonly provider: Pick<Provider, 'known'>
}

/** What answering takes. */
export interface FrontChannelSettings extends EndingSettings {
  /** The query of the request. */
  readonly query: URLSearchParams
  readonly clients: readonly FrontChannelClient[]
  /** The session of the browser, where its cookie came along. */
  readonly session: SessionHandle
  /** Whether the session cookie may come along to a frame in another site's page. */
  readonly isCookieCrossSite: boolean
}

/** Characters of a `sid`. */
const maxLength = 512

/** Answers the request of such a frame. That nobody was signed in is no error. */
export async function answerFrontChannelLogout(
  settings: FrontChannelSettings,
  exchange: Exchange,
): Promise<OidcResponse> {
  if (isPrefetch(exchange)) return empty(503)
  const { query, session, endedSessions, emit } = settings
  const iss = readParameter(query, 'iss')
  const sid = readParameter(query, 'sid')
  const clients = settings.clients.filter(({ issuer }) => issuer === iss)
  const [client] = clients
  if (!client) throw refuse('"iss" is no provider of this app', 'mismatch')
  const own = readOwn(session, clients, { iss, sid })
  for (const { id } of endedSessions ? clients : []) {
    const whose = { iss, sid, ...(id !== '' && { provider: id }) }
    const isTheirs = (own?.provider ?? '') === id
    if ((own && isTheirs) || (await mayExist(settings, whose))) {
      await endSessions(settings, whose, { by: 'front-channel', provider: id })
    }
  }
  if (own) await session.clear()
  if (!endedSessions) {
    const { claims, provider = '' } = own ?? {}
    if (!claims) checkReach(settings, exchange)
    else tellEnd(emit, { by: 'front-channel', provider, sub: claims.sub, sid, sessions: 1 })
  }
  return buildFrame(client)
}

/** The session of this browser, where its cookie came along and it is the one that is meant. */
function readOwn(
  session: SessionHandle,
  clients: readonly FrontChannelClient[],
  { iss, sid }: { readonly iss: string; readonly sid: string },
): Session | undefined {
  const own = session.read()
  const isMeant = own?.claims.iss === iss && own.claims.sid === sid
  return isMeant && clients.some(({ id }) => id === (own.provider ?? '')) ? own : undefined
}

/** 3: if one is there, both are. Which is what `frontchannel_logout_session_required` asks for. */
function readParameter(query: URLSearchParams, name: 'iss' | 'sid'): string {
  const [value, another] = query.getAll(name)
  if (value && another === undefined && value.length <= maxLength) return value
  const advice = 'register "frontchannel_logout_session_required" with the provider'
  throw refuse(`"${name}" must be there once: ${advice}`, value ? 'invalid' : 'missing')
}

/** Anybody can ask: who makes up a `sid` must not fill the store with notes of it. */
async function mayExist(
  { records }: EndingSettings,
  { sid, ...from }: Origin & { readonly sid: string },
): Promise<boolean> {
  return (await records?.get(nameOf('sid', from, sid))) !== undefined
}

/** Says so, rather than nothing, where no such logout can work. */
function checkReach({ isCookieCrossSite }: FrontChannelSettings, exchange: Exchange): void {
  if (isCookieCrossSite || exchange.header('sec-fetch-site') !== 'cross-site') return
  const message =
    'the session cannot be found: no cookie comes along to a frame of another site, and there is ' +
    'neither a "session.store" nor a "logout.store"'
  throw refuse(message, 'missing')
}

function refuse(message: string, reason: TransactionError['reason']): TransactionError {
  return new TransactionError('ERR_LOGOUT_REQUEST', message, { reason })
}

/** A page for the provider's frame, and nobody else's. */
function buildFrame(client: FrontChannelClient): OidcResponse {
  // The app's own policy for frames is replaced. An X-Frame-Options beside it is ignored: CSP Level 2,
  // 7.7.1
  const policy = `default-src 'none'; frame-ancestors ${readOrigins(client).join(' ')}`
  return {
    status: 200,
    headers: {
      // 3: so that it happens again at the next logout
      'cache-control': 'no-store',
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    },
    body: '<!doctype html><title>Signed out</title>',
  }
}

/** Where the provider's pages are. Some have their issuer elsewhere. */
function readOrigins({ issuer, provider }: FrontChannelClient): readonly string[] {
  const { authorization_endpoint, end_session_endpoint } = provider.known() ?? {}
  const origins = [issuer, authorization_endpoint, end_session_endpoint].flatMap((url) =>
    url !== undefined && URL.canParse(url) ? [new URL(url).origin] : [],
  )
  return [...new Set(origins)]
}
