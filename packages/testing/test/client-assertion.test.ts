import { importPKCS8, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type GeneratedClientKey,
  generateClientKey,
  type Provider,
  startProvider,
} from '../src/index.ts'
import { redirectUri } from './app.ts'

let key: GeneratedClientKey
let provider: Provider
const lines: string[] = []

beforeAll(async () => {
  key = await generateClientKey()
  provider = await startProvider({
    clients: [{ clientId: 'app', jwks: key.jwks, redirectUris: [redirectUri] }],
    onLog: (line) => lines.push(line),
  })
})

afterAll(() => provider.close())

interface Fault {
  readonly claims?: Readonly<Record<string, unknown>>
  readonly kid?: string | false
  readonly form?: Readonly<Record<string, string>>
  readonly signer?: GeneratedClientKey
}

async function assertion({ claims, kid = key.kid, signer = key }: Fault): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const honest = { iss: 'app', sub: 'app', aud: provider.issuer, jti: crypto.randomUUID() }
  const payload = { ...honest, iat: now, exp: now + 60, ...claims }
  return new SignJWT(payload)
    .setProtectedHeader({ alg: 'ES256', ...(kid === false ? {} : { kid }) })
    .sign(await importPKCS8(signer.privateKeyPem, 'ES256'))
}

async function send(path: string, client_assertion: string, form = {}): Promise<Response> {
  return fetch(`${provider.issuer}${path}`, {
    method: 'POST',
    body: new URLSearchParams({
      client_id: 'app',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion,
      token: 'x',
      grant_type: 'authorization_code',
      ...form,
    }),
  })
}

const seconds = () => Math.floor(Date.now() / 1000)
const faults: readonly (readonly [string, () => Fault, RegExp])[] = [
  ['with an array as aud', () => ({ claims: { aud: [provider.issuer] } }), /not an array/],
  [
    'for the token endpoint',
    () => ({ claims: { aud: `${provider.issuer}/token` } }),
    /aud must be the issuer http:\/\/127\.0\.0\.1:\d+, not 'http:\/\/127\.0\.0\.1:\d+\/token'/,
  ],
  ['without aud', () => ({ claims: { aud: undefined } }), /aud is missing/],
  ['that lives too long', () => ({ claims: { exp: seconds() + 120 } }), /at most 60 seconds/],
  ['that has expired', () => ({ claims: { exp: seconds() - 60 } }), /exp has passed/],
  ['without exp', () => ({ claims: { exp: undefined } }), /exp is missing/],
  ['without iat', () => ({ claims: { iat: undefined } }), /iat is missing/],
  ['from the future', () => ({ claims: { iat: seconds() + 50 } }), /iat is in the future/],
  ['without jti', () => ({ claims: { jti: undefined } }), /jti is missing/],
  ['with another sub', () => ({ claims: { sub: 'other' } }), /sub must equal iss/],
  [
    'of nobody known',
    () => ({ claims: { iss: 'x', sub: 'x' }, form: { client_id: 'x' } }),
    /not registered/,
  ],
  ['of another client', () => ({ form: { client_id: 'other' } }), /client_id parameter/],
  ['without kid', () => ({ kid: false }), /has no kid/],
  ['with a strange kid', () => ({ kid: 'other' }), /kid 'other' names no key of the client/],
  [
    'of another type',
    () => ({ form: { client_assertion_type: 'jwt' } }),
    /client_assertion_type must be/,
  ],
]

describe('a client assertion', () => {
  test.each(faults)('%s is refused, with the reason', async (_name, fault, reason) => {
    const response = await send('/token', await assertion(fault()), fault().form)
    expect(response.status).toBe(401)
    const body = (await response.json()) as { error: string; error_description: string }
    expect(body.error).toBe('invalid_client')
    expect(body.error_description).toMatch(reason)
    expect(body.error_description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/)
    expect(provider.assertions.at(-1)?.refusal).toBe(body.error_description)
    expect(lines.at(-1)).toContain(body.error_description)
  })

  test('is good once, at whichever endpoint', async () => {
    const jwt = await assertion({})
    expect((await send('/introspect', jwt)).status).toBe(200)
    for (const path of ['/token', '/par', '/revoke', '/introspect']) {
      const again = await send(path, jwt)
      expect(again.status).toBe(401)
      expect(await again.json()).toMatchObject({
        error_description:
          'client assertion: jti was used before; every request needs a new assertion',
      })
    }
  })

  test('with a signature of another key is refused by oidc-provider', async () => {
    const jwt = await assertion({ signer: await generateClientKey() })
    const response = await send('/token', jwt)
    expect(response.status).toBe(401)
    expect(await response.json()).toMatchObject({
      error: 'invalid_client',
      error_description: 'signature verification failed',
    })
  })

  test('for the token endpoint passes where the provider is not strict', async () => {
    const lax = await startProvider({
      strict: false,
      clients: [{ clientId: 'app', publicKey: key.publicJwk, redirectUris: [redirectUri] }],
    })
    try {
      const jwt = await assertion({ claims: { aud: `${lax.issuer}/token` } })
      const body = new URLSearchParams({
        client_id: 'app',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: jwt,
        token: 'x',
      })
      const response = await fetch(`${lax.issuer}/introspect`, { method: 'POST', body })
      expect(await response.json()).toEqual({ active: false })
      expect(lax.assertions).toHaveLength(1)
    } finally {
      await lax.close()
    }
  })
})
