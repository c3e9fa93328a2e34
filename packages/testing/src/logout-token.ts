/**
 * Logout Tokens as a test wants them: of providers that know only `sub`, and those that an app must
 * refuse. oidc-provider makes neither, so these are ours, signed with the provider's own key.
 *
 * @module
 */

import { randomUUID } from 'node:crypto'
import { importJWK, type JWK, SignJWT } from 'jose'
import type { ProviderClient } from './provider-client.ts'

/** A Logout Token to send. */
export interface LogoutTokenOptions {
  readonly clientId: string
  /** Whose sessions end. Give `sub`, `sid` or both. */
  readonly sub?: string
  /** Which session ends: the `sid` of the ID Token. */
  readonly sid?: string
  /** Claims in wire names, added or put in place of the right ones; `undefined` leaves one out. */
  readonly claims?: { readonly [name: string]: unknown }
  /** The `typ` of the header. Default `logout+jwt`. */
  readonly typ?: string
}

const event = 'http://schemas.openid.net/event/backchannel-logout'
/** Seconds, as oidc-provider's. */
const lifetime = 120
/** Milliseconds. */
const timeout = 5000

/** Signs a Logout Token, not encrypted. @see OpenID Connect Back-Channel Logout 1.0, 2.4 */
export async function signLogoutToken(
  { clientId, sub, sid, claims, typ = 'logout+jwt' }: LogoutTokenOptions,
  { issuer, key }: { readonly issuer: string; readonly key: JWK },
): Promise<string> {
  const iat = Math.floor(Date.now() / 1000)
  const own = { iss: issuer, aud: clientId, iat, exp: iat + lifetime, jti: randomUUID() }
  const members = Object.entries({ ...own, sub, sid, events: { [event]: {} }, ...claims })
  const payload = Object.fromEntries(members.filter(([, value]) => value !== undefined))
  const header = { alg: key.alg ?? 'RS256', ...(key.kid !== undefined && { kid: key.kid }), typ }
  return new SignJWT(payload).setProtectedHeader(header).sign(await importJWK(key))
}

/** Posts a Logout Token to the client, and answers with the client's response. */
export async function sendLogoutToken(
  { backchannelLogoutUri, clientId }: ProviderClient,
  logout_token: string,
): Promise<Response> {
  if (backchannelLogoutUri === undefined) {
    throw new TypeError(`client "${clientId}" has no "backchannelLogoutUri"`)
  }
  return fetch(backchannelLogoutUri, {
    method: 'POST',
    body: new URLSearchParams({ logout_token }),
    redirect: 'manual',
    signal: AbortSignal.timeout(timeout),
  })
}
