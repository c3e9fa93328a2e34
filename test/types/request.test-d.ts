/** What a handler sees, once `@countersign/express` has been imported. */

import {
  type Claims,
  type IdTokenClaims,
  type Oidc,
  oidc,
  requireLogin,
  type UserClaims,
} from '@countersign/express'
import type { Request, RequestHandler } from 'express'
import type { Equals, Expect } from './equals.ts'

declare const req: Request
declare const handler: RequestHandler

interface Staff extends Claims {
  readonly sub: string
  readonly department: 'sales' | 'support'
}

export type Answers = [
  Expect<Equals<Request['oidc'], Oidc>>,
  Expect<Equals<typeof req.oidc.isAuthenticated, boolean>>,
  Expect<Equals<typeof req.oidc.user, UserClaims | undefined>>,
  Expect<Equals<typeof req.oidc.claims, IdTokenClaims | undefined>>,
  Expect<Equals<typeof req.oidc.idToken, string | undefined>>,
  Expect<Equals<typeof req.oidc.expiresAt, number | undefined>>,
  Expect<Equals<UserClaims['sub'], string>>,
  Expect<Equals<UserClaims['email'], string | undefined>>,
  Expect<Equals<UserClaims['email_verified'], boolean | undefined>>,
  Expect<Equals<UserClaims['updated_at'], number | undefined>>,
  Expect<Equals<UserClaims[string], unknown>>,
  Expect<Equals<Oidc<Staff>['user'], Staff | undefined>>,
]

export async function handlerOf(user: NonNullable<typeof req.oidc.user>): Promise<string> {
  const name: string | undefined = user.name
  // @ts-expect-error a claim is read, never written
  user.name = 'Eve'
  // @ts-expect-error a claim that the standard does not name is unknown
  const groups: string[] = user['groups']
  // @ts-expect-error the user may be anonymous
  req.oidc.user.sub satisfies string
  // @ts-expect-error what a request is cannot be declared by a handler
  req.oidc.isAuthenticated = true

  await req.oidc.login({ returnTo: '/back', authorization: { acr_values: 'mfa' } })
  await req.oidc.logout({ local: true })
  // @ts-expect-error the response is written already
  const response: { status: number } = await req.oidc.login()
  // @ts-expect-error there is no such option
  await req.oidc.logout({ returnto: '/' })

  const token: string = await req.oidc.accessToken({ minLifetime: 60 })
  return [name, groups, response, token].join()
}

export const handlers: readonly RequestHandler[] = [
  handler,
  oidc(),
  requireLogin(),
  requireLogin({ acr: 'mfa', maxAge: 0, amr: ['hwk', 'pin'] }),
  requireLogin({ claims: { email_verified: true, groups: ['admin', 'staff'] } }),
  requireLogin({ claims: { age: (value) => typeof value === 'number' && value >= 18 } }),
  requireLogin({ claims: async ({ email }) => email?.endsWith('@example.com') ?? false }),
  requireLogin<Staff>({ claims: ({ department }) => department === 'sales' }),
  // @ts-expect-error a department that there is not
  requireLogin<Staff>({ claims: ({ department }) => department === 'legal' }),
  // @ts-expect-error `max_age` is the wire's name; the requirement is ours
  requireLogin({ max_age: 0 }),
  // @ts-expect-error seconds are a number
  requireLogin({ maxAge: '1h' }),
  // @ts-expect-error a predicate answers yes or no
  requireLogin({ claims: ({ name }) => name }),
]
