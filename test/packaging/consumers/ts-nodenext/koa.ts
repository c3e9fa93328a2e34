import { type Options, oidc, requireLogin, type UserClaims } from '@countersign/koa'
import Koa from 'koa'

export function createApp(options: Options): Koa {
  const app = new Koa()
  app.use(oidc(options)).use(requireLogin({ maxAge: 60 }))
  return app.use((ctx) => {
    const user: UserClaims | undefined = ctx.oidc.user
    ctx.body = { email: user?.email }
  })
}
