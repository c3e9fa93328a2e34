import { createRelyingParty } from '@countersign/core'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createSession, signedIn } from '../src/signed-in.ts'

const relyingParty = createRelyingParty({
  issuer: 'https://op.example',
  clientId: 'app',
  clientAuth: { method: 'none' },
  baseUrl: 'http://localhost:3000',
  session: { secret: 'a session secret for tests, and for nothing but tests' },
})

const claims = { sub: 'ada', name: 'Ada' }

/** The End-User of a request with these headers. */
async function visit(headers: Readonly<Record<string, string>>) {
  const { oidc } = await relyingParty.receive({
    method: 'GET',
    target: '/',
    header: (name) => headers[name],
    form: () => Promise.resolve(new URLSearchParams()),
    setCookie: () => expect.unreachable('nothing has changed'),
    isStarted: () => false,
    send: () => expect.unreachable('nothing is answered'),
  })
  return oidc
}

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('signing in to an app under test', () => {
  test('takes the Relying Party itself, and gives its cookie', async () => {
    const { cookie, headers } = signedIn(relyingParty, claims)
    expect(headers).toEqual({ cookie })
    const oidc = await visit(headers)
    expect(oidc?.isAuthenticated).toBe(true)
    expect(oidc?.user).toEqual(claims)
  })

  test('takes the middleware, or whatever else leads to the Relying Party', async () => {
    const middleware = Object.assign(() => {}, { relyingParty })
    expect((await visit(signedIn(middleware, claims).headers))?.user).toEqual(claims)
  })

  test('can be awaited, as where there is a store', async () => {
    const tokens = { accessToken: 'for-the-test' }
    const { cookie, headers } = await createSession(relyingParty, claims, { tokens })
    expect(headers).toEqual({ cookie })
    const oidc = await visit(headers)
    expect(oidc?.user).toEqual(claims)
    expect(await oidc?.accessToken()).toBe('for-the-test')
  })

  test('refuses in production, where nobody may be signed in without a login', async () => {
    vi.stubEnv('NODE_ENV', 'production')
    expect(() => signedIn(relyingParty, claims)).toThrow(
      'signedIn() is for tests, and refuses to work with NODE_ENV=production',
    )
    await expect(createSession(relyingParty, claims)).rejects.toThrow(
      'createSession() is for tests, and refuses to work with NODE_ENV=production',
    )
  })

  test('says so where there is no oidc()', () => {
    const message =
      'no oidc() was found in "app": pass the app, the middleware or the Relying Party'
    for (const app of [{}, () => {}, { stack: [{ handle: () => {}, keys: [] }] }]) {
      expect(() => signedIn(app, claims)).toThrow(new TypeError(message))
    }
  })

  test('does not take another copy for a Relying Party of ours', () => {
    expect(() => signedIn({ ...relyingParty }, claims)).toThrow(
      new TypeError('"relyingParty" must be made by createRelyingParty()'),
    )
  })
})
