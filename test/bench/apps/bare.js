/**
 * The floor: Express without login. `/login` and `/callback` have the traffic of a login and none of
 * its meaning: two requests in, one out, cookies of the usual size.
 *
 * @module
 */

import express from 'express'

const cookieSize = 600

/** Creates the app. */
export function createApp({ issuer, baseUrl }) {
  const app = express().disable('x-powered-by')
  const sealed = 'x'.repeat(cookieSize)
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

  app.get('/login', (_req, res) => {
    res.cookie('transaction', sealed, { httpOnly: true, sameSite: 'lax', maxAge: 600_000 })
    res.redirect(target.href)
  })
  app.get('/callback', async (req, res) => {
    const body = new URLSearchParams({
      grant_type: 'authorization_code',
      code: req.query.code,
      redirect_uri: `${baseUrl}/callback`,
      code_verifier: 'v'.repeat(43),
      client_assertion: sealed,
    })
    const response = await fetch(`${issuer}/token`, { method: 'POST', body })
    const { id_token: idToken } = await response.json()
    if (!idToken) throw new Error('the provider sent no ID Token')
    res.clearCookie('transaction')
    res.cookie('session', sealed, { httpOnly: true, sameSite: 'lax', maxAge: 86_400_000 })
    res.redirect('/')
  })
  app.get('/me', (_req, res) => {
    res.json({ sub: 'user-000000', name: 'Jane Q. Public' })
  })
  app.get('/plain', (_req, res) => {
    res.json({ status: 'fine' })
  })
  return app
}
