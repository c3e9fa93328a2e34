/**
 * An app that has its Authentication Responses posted, which no environment variable asks for.
 *
 * @module
 */

import { once } from 'node:events'
import { type Options, oidc, requireLogin } from '@countersign/express'
import express from 'express'

/** Starts the app on loopback. Returns how to stop it. */
export async function startFormPostApp(
  port: number,
  options: Omit<Options, 'baseUrl' | 'session' | 'authorization'>,
): Promise<() => Promise<void>> {
  const app = express()
  app.use(
    oidc({
      ...options,
      baseUrl: `http://localhost:${port}`,
      session: { secret: 'a session secret for tests, and for nothing but tests' },
      authorization: { response_mode: 'form_post' },
    }),
  )
  app.get('/profile', requireLogin(), (req, res) => {
    res.send(`signed in as ${req.oidc.user?.sub}`)
  })
  const server = app.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return async () => {
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  }
}
