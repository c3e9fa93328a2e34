/**
 * The floor: Express without login.
 *
 * @module
 */

import express from 'express'
import { buildAuthenticationRequest, fetchTokens, sealed } from '../../floor.js'

/** Creates the app. */
export function createApp(setting) {
  const app = express().disable('x-powered-by')
  const target = buildAuthenticationRequest(setting)

  app.get('/login', (_req, res) => {
    res.cookie('transaction', sealed, { httpOnly: true, sameSite: 'lax', maxAge: 600_000 })
    res.redirect(target)
  })
  app.get('/callback', async (req, res) => {
    await fetchTokens(setting, req.query.code)
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
