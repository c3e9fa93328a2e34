/**
 * The floor: Koa without login. The router is a `switch`, here and in the apps that are compared to it.
 *
 * @module
 */

import Koa from 'koa'
import { buildAuthenticationRequest, fetchTokens, sealed } from '../../floor.js'

/** Creates the app. */
export function createApp(setting) {
  const app = new Koa()
  const target = buildAuthenticationRequest(setting)

  app.use(async (ctx) => {
    switch (ctx.path) {
      case '/login':
        ctx.cookies.set('transaction', sealed, { sameSite: 'lax', maxAge: 600_000 })
        ctx.redirect(target)
        break
      case '/callback':
        await fetchTokens(setting, ctx.query.code)
        ctx.cookies.set('transaction', null)
        ctx.cookies.set('session', sealed, { sameSite: 'lax', maxAge: 86_400_000 })
        ctx.redirect('/')
        break
      case '/me':
        ctx.body = { sub: 'user-000000', name: 'Jane Q. Public' }
        break
      case '/plain':
        ctx.body = { status: 'fine' }
    }
  })
  return app.callback()
}
