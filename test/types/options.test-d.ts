/** What `oidc()` and `createRelyingParty()` can be told. */

import { generateKeyPairSync } from 'node:crypto'
import {
  type Claims,
  clientSecretBasic,
  clientSecretJwt,
  clientSecretPost,
  createRelyingParty,
  none,
  type Options,
  oidc,
  type RelyingParty,
} from '@countersign/express'
import type { Equals, Expect } from './equals.ts'

interface Staff extends Claims {
  readonly sub: string
  readonly department: string
}

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

const required = {
  issuer: 'https://op.example',
  clientId: 'app',
  clientKey: 'file:./key.pem',
  baseUrl: 'https://app.example',
  session: { secret: 'x'.repeat(32) },
}

export const rp: RelyingParty<Staff> = createRelyingParty<Staff>(required)
export const middleware: ReturnType<typeof oidc<Staff>> = oidc<Staff>(required)
export const shared: ReturnType<typeof oidc<Staff>> = oidc(rp)

type ReceivedUser = NonNullable<Awaited<ReturnType<(typeof rp)['receive']>>['oidc']>['user']

export type Answers = [
  Expect<Equals<ReceivedUser, Staff | undefined>>,
  Expect<Equals<(typeof middleware)['relyingParty'], RelyingParty<Staff>>>,
]

export const right: readonly Options[] = [
  required,
  { ...required, issuer: new URL('https://op.example'), baseUrl: new URL('https://app.example') },
  { ...required, clientKey: privateKey },
  {
    ...required,
    clientKey: [{ key: privateKey, alg: 'ES256', kid: 'one', notBefore: 1_800_000_000 }],
  },
  { ...required, clientAuth: clientSecretBasic('s') },
  { ...required, clientAuth: clientSecretPost('s') },
  { ...required, clientAuth: clientSecretJwt('s') },
  { ...required, clientAuth: none() },
  { ...required, clientAuth: ({ issuer, clientId }) => `${issuer}${clientId}` },
  { ...required, authorization: { scope: 'openid', prompt: 'login' } },
  {
    ...required,
    session: { secret: ['new'.repeat(16), 'old'.repeat(16)], keep: ['refreshToken'] },
  },
  { ...required, routes: { login: '/sign-in', logout: false } },
  { ...required, idToken: { alg: ['ES256', 'PS256'], clockTolerance: 5 } },
  { ...required, idToken: { decryptionKey: 'file:./keys.json' } },
  { ...required, idToken: { decryptionKey: [{ key: 'x', alg: 'RSA-OAEP-256', notAfter: 5 }] } },
  { ...required, onLogin: ({ claims }) => claims.sub !== 'eve' && { role: 'guest' } },
  { ...required, onLogin: async () => {} },
  {
    ...required,
    onError: (error) => ({ status: error.status, headers: {}, body: error.publicMessage }),
  },
]

export const wrong: readonly Options[] = [
  // @ts-expect-error a session needs a secret
  { ...required, session: {} },
  // @ts-expect-error not an algorithm
  { ...required, idToken: { alg: 'ES265' } },
  // @ts-expect-error an unsigned token is no token
  { ...required, idToken: { alg: 'none' } },
  // @ts-expect-error broken, and not accepted
  { ...required, idToken: { decryptionKey: [{ key: 'x', alg: 'RSA1_5' }] } },
  // @ts-expect-error a signer does not decrypt
  { ...required, idToken: { decryptionKey: { kid: 'x', sign: async () => new Uint8Array() } } },
  // @ts-expect-error a letter off
  { ...required, clientID: 'app' },
  // @ts-expect-error a letter off, deeper
  { ...required, session: { secret: 'x', idleTimeOut: 60 } },
  // @ts-expect-error a token that there is not
  { ...required, session: { secret: 'x', keep: ['access_token'] } },
  // @ts-expect-error the callback cannot be switched off
  { ...required, routes: { callback: false } },
  // @ts-expect-error only lax, and none inside frames
  { ...required, session: { secret: 'x', cookie: { sameSite: 'strict' } } },
  // @ts-expect-error a secret is wrapped in the method that it is for
  { ...required, clientAuth: 'client_secret_basic' },
  // @ts-expect-error seconds are a number
  { ...required, http: { timeout: '5s' } },
  // @ts-expect-error `true` decides nothing: return nothing, claims, or `false`
  { ...required, onLogin: () => true },
]
