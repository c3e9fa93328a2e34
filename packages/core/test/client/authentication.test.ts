import { decodeJwt, decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { clientSecretJwt, createClientAuthentication } from '../../src/client/authentication.ts'
import type { AssertionOptions } from '../../src/client/client-assertion.ts'

// openid-client has a clock of its own
const now = 1_700_000_000
beforeAll(() => void vi.useFakeTimers({ toFake: ['Date'], now: now * 1000 }))
afterAll(() => void vi.useRealTimers())

const server = { issuer: 'https://op.example', token_endpoint: 'https://op.example/token' }

async function readAssertion(options: Partial<AssertionOptions>) {
  const clientAuth = createClientAuthentication(
    clientSecretJwt('a secret of at least 32 bytes …'),
    {
      keyRing: undefined,
      options: {
        certificateHeader: 'x5t#S256',
        audience: 'issuer',
        lifetime: 45,
        kid: false,
        header: {},
        claims: {},
        ...options,
      },
      clock: { now: () => now },
      emit: () => {},
    },
  )
  const body = new URLSearchParams({ grant_type: 'authorization_code' })
  await clientAuth(server, { client_id: 'app' }, body, new Headers())
  const jwt = body.get('client_assertion') ?? ''
  return { header: decodeProtectedHeader(jwt), claims: decodeJwt(jwt) }
}

describe('an assertion under a client secret', () => {
  const always = { iss: 'app', sub: 'app', jti: expect.any(String), exp: now + 45 }

  test('has the claims of the specification, and no "nbf"', async () => {
    const { header, claims } = await readAssertion({})
    expect(header).toEqual({ alg: 'HS256' })
    expect(claims).toEqual({ ...always, aud: 'https://op.example', iat: now })
  })

  test('"iat" and "nbf" are set back, which takes nothing of its life', async () => {
    const { claims } = await readAssertion({ backdate: 10, hasNotBefore: true })
    expect(claims).toMatchObject({ ...always, iat: now - 10, nbf: now - 10 })
    const { claims: others } = await readAssertion({ backdate: 10 })
    expect(others).not.toHaveProperty('nbf')
  })

  test('has what is configured', async () => {
    const audience = 'token_endpoint'
    const own = { header: { b: 1 }, claims: { c: 2 } }
    const { header, claims } = await readAssertion({ audience, typ: 'JWT', ...own })
    expect(header).toEqual({ alg: 'HS256', typ: 'JWT', b: 1 })
    expect(claims).toMatchObject({ aud: server.token_endpoint, c: 2 })
  })
})
