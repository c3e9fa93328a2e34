/**
 * Logins at an emulator, asked for by hand.
 *
 * @module
 */

import { createUserAgent } from '../../../test/support/user-agent.ts'
import { redirectUri, visit } from './app.ts'
import type { Emulated, Fault } from './emulated.ts'

/** The PKCE verifier of every login. */
export const verifier = 'v'.repeat(43)

/** Builds an Authentication Request; what is `undefined` is left out. */
export async function buildRequest(
  params: Readonly<Record<string, string | undefined>>,
): Promise<Record<string, string>> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))
  const all = {
    client_id: 'app',
    response_type: 'code',
    redirect_uri: redirectUri,
    scope: 'openid email',
    state: 'the-state',
    nonce: 'the-nonce',
    code_challenge: Buffer.from(digest).toString('base64url'),
    code_challenge_method: 'S256',
    ...params,
  }
  const given = Object.entries(all).filter((entry): entry is [string, string] => !!entry[1])
  return Object.fromEntries(given)
}

/** Asks, and resolves to the response at the app's door, or to the page that it ended on. */
export async function authorize(
  { provider }: Emulated,
  params: Readonly<Record<string, string | undefined>> = {},
): Promise<{ readonly response: URLSearchParams; readonly text: string }> {
  const query = new URLSearchParams(await buildRequest(params))
  const base = provider.issuer.replace(/\/$/, '')
  const page = await visit(createUserAgent(), `${base}/authorize?${query}`)
  const location = page.history.at(-1)?.location
  return { response: new URL(location ?? 'http://nowhere').searchParams, text: page.text }
}

/** Redeems a code. */
export async function redeem(
  emulated: Emulated,
  code: string,
  fault: Fault = {},
): Promise<Record<string, string>> {
  const form = await emulated.buildForm('token', fault)
  const grant = { grant_type: 'authorization_code', code, redirect_uri: redirectUri }
  for (const [name, value] of Object.entries(grant)) form.set(name, value)
  form.set('code_verifier', verifier)
  const url = `${emulated.provider.issuer.replace(/\/$/, '')}/token`
  return (await (await fetch(url, { method: 'POST', body: form })).json()) as Record<string, string>
}
