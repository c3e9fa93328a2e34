import { decodeJwt, decodeProtectedHeader } from 'jose'
import { afterEach, describe, expect, test, vi } from 'vitest'
import {
  type AssertionOptions,
  createClientAssertion,
  findEndpoint,
} from '../../src/client/client-assertion.ts'
import { createKeyRing } from '../../src/keys/key-ring.ts'
import { createLocalSigner } from '../../src/keys/local-signer.ts'
import type { Signer } from '../../src/keys/signer.ts'
import { createStaticKeySource } from '../../src/keys/static-key.ts'
import { generateEc } from '../keys/support/keys.ts'

const clock = { now: () => 1_700_000_000 }
const parts = { clock, emit: () => {} }
const signer = createLocalSigner({ key: generateEc(), alg: 'ES256', kid: undefined })
const keyRing = createKeyRing({ sources: [createStaticKeySource('test', [{ signer }])], ...parts })

const server = {
  issuer: 'https://op.example',
  token_endpoint: 'https://op.example/token',
  pushed_authorization_request_endpoint: 'https://op.example/par',
  revocation_endpoint: 'https://op.example/revoke',
}

const plain: AssertionOptions = {
  certificateHeader: 'x5t#S256',
  audience: 'issuer',
  lifetime: 60,
  kid: 'thumbprint',
  header: {},
  claims: {},
}

async function authenticate(
  options: Partial<AssertionOptions>,
  form: Readonly<Record<string, string>> = { grant_type: 'authorization_code' },
) {
  const body = new URLSearchParams({ ...form })
  const clientAuth = createClientAssertion({ keyRing, options: { ...plain, ...options }, ...parts })
  await clientAuth(server, { client_id: 'app' }, body, new Headers())
  return body
}

async function readAssertion(...request: Parameters<typeof authenticate>) {
  const jwt = (await authenticate(...request)).get('client_assertion') ?? ''
  return { header: decodeProtectedHeader(jwt), claims: decodeJwt(jwt) }
}

describe('the claims of an assertion', () => {
  test('are those of the specification and no other', async () => {
    const { header, claims } = await readAssertion({})
    expect(header).toEqual({ alg: 'ES256', kid: signer.kid })
    expect(claims).toEqual({
      iss: 'app',
      sub: 'app',
      aud: 'https://op.example',
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      iat: 1_700_000_000,
      exp: 1_700_000_060,
    })
  })

  test('"iat" and "nbf" are set back, which takes nothing of its life', async () => {
    const { claims } = await readAssertion({ backdate: 5, hasNotBefore: true })
    expect(claims).toMatchObject({ iat: 1_699_999_995, nbf: 1_699_999_995, exp: 1_700_000_060 })
  })

  test('"iss" can be another one than "sub"', async () => {
    const { claims } = await readAssertion({ issuer: 'ABCDE12345' })
    expect(claims).toMatchObject({ iss: 'ABCDE12345', sub: 'app' })
  })
})

describe('"aud" is one string', () => {
  test.each([
    ['issuer', { grant_type: 'refresh_token' }, server.issuer],
    ['token_endpoint', { response_type: 'code' }, server.token_endpoint],
    ['https://login.example/', { token: 'x' }, 'https://login.example/'],
    ['called_endpoint', { grant_type: 'authorization_code' }, server.token_endpoint],
    [
      'called_endpoint',
      { response_type: 'code', state: 'x' },
      server.pushed_authorization_request_endpoint,
    ],
    ['called_endpoint', { token: 'x' }, server.revocation_endpoint],
  ])('for "%s" and a request with %j', async (audience, form, expected) => {
    const { claims } = await readAssertion({ audience }, form)
    expect(claims.aud).toBe(expected)
  })

  test('an endpoint that the provider does not have is the token endpoint', () => {
    const bare = { issuer: server.issuer, token_endpoint: server.token_endpoint }
    expect(findEndpoint(bare, new URLSearchParams('token=x'))).toBe(server.token_endpoint)
    expect(findEndpoint(bare, new URLSearchParams('state=x'))).toBe(server.token_endpoint)
  })
})

describe('a key that does not answer', () => {
  afterEach(() => void vi.useRealTimers())

  test('is waited for 5 seconds, and then told to stop', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const signals: (AbortSignal | undefined)[] = []
    const silent: Signer = {
      ...signer,
      sign(_data, { signal } = {}) {
        signals.push(signal)
        return new Promise(() => {})
      },
    }
    const ring = { ...keyRing, current: async () => silent }
    const clientAuth = createClientAssertion({ keyRing: ring, options: plain, ...parts })
    const body = new URLSearchParams({ grant_type: 'authorization_code' })
    const failed = vi.fn()
    void Promise.resolve(clientAuth(server, { client_id: 'app' }, body, new Headers())).catch(
      failed,
    )
    await vi.advanceTimersByTimeAsync(4999)
    expect([signals.length, failed.mock.calls.length]).toEqual([1, 0])
    await vi.advanceTimersByTimeAsync(1)
    expect(failed.mock.lastCall?.[0]).toMatchObject({ code: 'ERR_SIGN', reason: 'timeout' })
    expect(signals[0]?.aborted).toBe(true)
    expect(body.has('client_assertion')).toBe(false)
  })
})

test('no "typ" is sent where it is switched off', async () => {
  expect((await readAssertion({ typ: false })).header).not.toHaveProperty('typ')
})

test('a client secret that is a signed JWT is sent as one, and no assertion', async () => {
  const body = await authenticate({ typ: 'JWT', isClientSecret: true })
  expect([...body.keys()]).toEqual(['grant_type', 'client_id', 'client_secret'])
  expect(body.get('client_id')).toBe('app')
  const secret = body.get('client_secret') ?? ''
  expect(decodeProtectedHeader(secret)).toEqual({ alg: 'ES256', kid: signer.kid, typ: 'JWT' })
  expect(decodeJwt(secret)).toMatchObject({ iss: 'app', sub: 'app', aud: 'https://op.example' })
})
