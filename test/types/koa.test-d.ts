/** What Koa's middleware sees, once `@countersign/koa` has been imported. */

import {
  createRelyingParty,
  type Oidc,
  type Options,
  oidc,
  type RelyingParty,
  requireLogin,
  type UserClaims,
} from '@countersign/koa'
import Router from '@koa/router'
import Koa from 'koa'
import type { Equals, Expect } from './equals.ts'

declare const ctx: Koa.Context
declare const options: Options

const signIn = oidc(options)

export type Answers = [
  Expect<Equals<Koa.ExtendableContext['oidc'], Oidc>>,
  Expect<Equals<typeof ctx.oidc.user, UserClaims | undefined>>,
  Expect<Equals<typeof signIn.relyingParty, RelyingParty>>,
]

const router = new Router()
router.get('/profile', requireLogin({ acr: 'mfa' }), (context) => {
  context.body = context.oidc.user?.email satisfies string | undefined
})

export const app = new Koa()
  .use(oidc())
  .use(signIn)
  .use(oidc(createRelyingParty(options)))
  .use(requireLogin())
  .use(router.routes())
  .use((context) => context.oidc.login())

/** An app with a state and a context of its own. */
interface Custom {
  readonly tenant: string
}
export const custom = new Koa<Custom, Custom>()
  .use(oidc())
  .use(requireLogin())
  .use(async (own) => {
    const tenant: string = own.tenant + own.state.tenant
    // @ts-expect-error the user may be anonymous
    own.oidc.user.sub satisfies string
    await own.oidc.logout({ returnTo: `/${tenant}` })
  })

// @ts-expect-error there is no such option
oidc({ ...options, isuer: 'https://op.example' })
// @ts-expect-error seconds are a number
requireLogin({ maxAge: '1h' })
