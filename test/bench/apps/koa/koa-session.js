/**
 * Koa with koa-session and, for the login, grant with `private_key_jwt`, PKCE, `state` and `nonce`. The
 * session holds the same claims as ours, signed and not encrypted, and nothing that grant leaves there.
 *
 * @module
 */

import grant from 'grant'
import Koa from 'koa'
import session from 'koa-session'
import { pickKeptClaims } from '../../kept-claims.js'

/** Creates the app. */
export function createApp({ secret, ...setting }) {
  const app = new Koa()
  app.keys = [secret]
  app.use(session({ sameSite: 'lax' }, app))
  app.use(grant.koa()(configure(setting)))
  app.use(async (ctx) => {
    switch (ctx.path) {
      case '/connect/bench/callback': {
        const { jwt, error } = ctx.state.grant.response
        if (!jwt) throw new Error(`the login failed: ${JSON.stringify(error)}`)
        ctx.session = { user: pickKeptClaims(jwt.id_token.payload) }
        ctx.redirect('/')
        break
      }
      case '/me': {
        const { user } = ctx.session
        ctx.body = { sub: user?.sub ?? null, name: user?.name ?? null }
        break
      }
      case '/plain':
        ctx.body = { status: 'fine' }
    }
  })
  return app.callback()
}

function configure({ issuer, baseUrl, clientKey, alg }) {
  return {
    // With "state" the callback is answered by the app at once: no redirect more than others have
    defaults: { origin: baseUrl, transport: 'state' },
    bench: {
      authorize_url: `${issuer}/authorize`,
      access_url: `${issuer}/token`,
      oauth: 2,
      key: 'bench',
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: alg,
      private_key: clientKey,
      scope: ['openid', 'profile', 'email'],
      scope_delimiter: ' ',
      state: true,
      nonce: true,
      pkce: true,
      response: ['jwt'],
    },
  }
}
