/**
 * The traffic of a login and none of its meaning: two requests in, one out, values of the usual size.
 *
 * @module
 */

/** What a floor writes into each cookie. */
export const sealed = 'x'.repeat(600)

/** Builds the URL of an Authentication Request that is the same for everybody. */
export function buildAuthenticationRequest({ issuer, baseUrl }) {
  const target = new URL('/authorize', issuer)
  target.search = new URLSearchParams({
    client_id: 'bench',
    response_type: 'code',
    scope: 'openid profile email',
    redirect_uri: `${baseUrl}/callback`,
    nonce: 'n'.repeat(43),
    state: 's'.repeat(32),
    code_challenge: 'c'.repeat(43),
    code_challenge_method: 'S256',
  })
  return target.href
}

/** Redeems the code, and believes the answer. */
export async function fetchTokens({ issuer, baseUrl }, code) {
  const body = new URLSearchParams({
    grant_type: 'authorization_code',
    code,
    redirect_uri: `${baseUrl}/callback`,
    code_verifier: 'v'.repeat(43),
    client_assertion: sealed,
  })
  const response = await fetch(`${issuer}/token`, { method: 'POST', body })
  const { id_token: idToken } = await response.json()
  if (!idToken) throw new Error('the provider sent no ID Token')
}
