/**
 * What a request to the provider carried that nobody is to see, however the provider repeats it.
 *
 * @module
 */

import type { FetchInit } from '../http/fetch.ts'

/** What is shorter is in every other word, and guessed sooner than read. */
const minSecret = 4

/** What the request carried that nobody is to see, however the provider repeats it. */
export function readSecrets(
  form: URLSearchParams,
  headers: FetchInit['headers'],
): readonly string[] {
  const names = [
    'client_assertion',
    'client_secret',
    'code',
    'code_verifier',
    'refresh_token',
    'token',
    'request',
    'id_token_hint',
    'login_hint',
    'nonce',
    'state',
  ]
  const [, basic] = readAuthorization(headers)?.split(' ') ?? []
  const pair = basic === undefined ? '' : Buffer.from(basic, 'base64').toString()
  const password = pair.slice(pair.indexOf(':') + 1)
  const values = [...names.map((name) => form.get(name)), basic, pair, password, decode(password)]
  return values
    .filter((value) => typeof value === 'string')
    .filter((value) => value.length >= minSecret)
    .flatMap((value) => [value, encodeURIComponent(value)])
}

function decode(password: string): string {
  return new URLSearchParams(`v=${password}`).get('v') ?? ''
}

/** The `Authorization` header. */
export function readAuthorization(headers: FetchInit['headers']): string | undefined {
  return new Headers(headers).get('authorization') ?? undefined
}

/** Longer than any secret is: one that is cut in two would not be found. */
const maxSaid = 65_536

/** What a provider said, without what it was sent. */
export function removeSecrets(untrusted: string, secrets: readonly string[]): string {
  return secrets.reduce(
    (text, secret) => text.replaceAll(secret, '[removed]'),
    untrusted.slice(0, maxSaid),
  )
}

/** The same response, without what the request carried: some providers repeat it in what they say. */
export async function removeFrom(
  response: Response,
  secrets: readonly string[],
): Promise<Response> {
  const body = await response.clone().text()
  const challenge = response.headers.get('www-authenticate') ?? ''
  if (!secrets.some((secret) => body.includes(secret) || challenge.includes(secret)))
    return response
  const headers = new Headers(response.headers)
  headers.delete('content-length')
  if (challenge !== '') headers.set('www-authenticate', removeSecrets(challenge, secrets))
  return new Response(removeSecrets(body, secrets), { status: response.status, headers })
}
