import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Provider, startProvider } from '@countersign/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createPlace, makeStable, type Place } from './support/run.ts'

let provider: Provider
beforeAll(async () => {
  provider = await startProvider({ preset: 'jiko', onLog() {} })
})
afterAll(() => provider.close())

/** A client of the provider's, with a key that was just made. */
async function createClient(place: Place): Promise<Readonly<Record<string, string>>> {
  const { stdout } = await place.run('keygen --alg EdDSA --out key.pem --json')
  const { publicKey } = JSON.parse(stdout)
  const redirectUris = ['http://localhost:3000/callback']
  await provider.addClient({ clientId: 'app', publicKey, redirectUris })
  return {
    LANG: 'C.UTF-8',
    OIDC_PROVIDER: 'jiko',
    OIDC_ISSUER: provider.issuer,
    OIDC_CLIENT_ID: 'app',
    OIDC_CLIENT_KEY: `file:${place.path('key.pem')}`,
    OIDC_BASE_URL: 'http://localhost:3000',
    OIDC_SESSION_SECRET: '7ebf29bd1d5f3e1c0a9b8c7d6e5f4031',
  }
}

function settle(text: string, place: Place): string {
  return makeStable(text, place)
    .replaceAll(provider.issuer, 'http://provider')
    .replace(/[\da-f]{8}-[\da-f-]{27}/g, '<jti>')
    .replace(/\d{10}, which is [\dT:Z-]+/g, '<moment>')
    .replace(/ey[\w-]+\.ey[\w-]+\.[\w-]+/g, '<assertion>')
}

/** Sends a request as the printed one. */
async function send(endpoint: string, form: Readonly<Record<string, string>>): Promise<unknown> {
  const body = new URLSearchParams(form)
  const response = await fetch(endpoint, { method: 'POST', body })
  return await response.json()
}

describe('assertion', () => {
  test('explains each claim, by the rule that made it so', async () => {
    const place = createPlace()
    const env = await createClient(place)
    const { exitCode, stdout, stderr } = await place.run('assertion', { env })
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(settle(stdout, place)).toMatchInlineSnapshot(`
      "
        A client assertion for http://provider/token, as Jiko wants it

        Header
          alg     "EdDSA"
                  RFC 7515, 4.1.1: what the key signs with; Jiko accepts PS256, EdDSA
          kid     (not sent)
                  RFC 7515, 4.1.4: left out: Jiko has keys without names, and refuses
                  one
          typ     "JWT"
                  RFC 7515, 4.1.9: Jiko wants it to be this

        Claims
          iss     "app"
                  RFC 7523, 3 (1): who signs: this client (OIDC_CLIENT_ID)
          sub     "app"
                  RFC 7523, 3 (2): whom it is about: this client again
          aud     "http://provider/token"
                  RFC 7523, 3 (3): Jiko wants the token endpoint, as one text
          jti     "<jti>"
                  RFC 7523, 3 (7): new for every request: Jiko takes none twice
          iat     <moment>
                  RFC 7523, 3 (6): now
          exp     <moment>
                  RFC 7523, 3 (4): 60 s after iat: enough for one request; Jiko allows
                  300 s

        Good for 60 s, and for one request:

      curl http://provider/token \\
        --data-urlencode grant_type=authorization_code \\
        --data-urlencode code=there-is-none \\
        --data-urlencode redirect_uri=http://localhost:3000/callback \\
        --data-urlencode client_id=app \\
        --data-urlencode client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer \\
        --data-urlencode client_assertion=<assertion>

        There is no such code, so "invalid_grant" is the good answer: the provider
        has accepted the key. "invalid_client" is not: countersign doctor --probe
        says why.

      "
    `)
  })

  test('makes one that the provider accepts, once', async () => {
    const place = createPlace()
    const env = await createClient(place)
    const { endpoint, form } = JSON.parse((await place.run('assertion --json', { env })).stdout)
    expect(await send(endpoint, form)).toMatchObject({ error: 'invalid_grant' })
    expect(await send(endpoint, form)).toMatchObject({ error: 'invalid_client' })
  })

  test('leaves it out where others look on', async () => {
    const place = createPlace()
    const env = await createClient(place)
    for (const line of ['assertion --mask', 'assertion --mask --json']) {
      const { exitCode, stdout } = await place.run(line, { env })
      expect(exitCode).toBe(0)
      expect(stdout).not.toMatch(/eyJ/)
    }
  })
})

describe('assertion says in one line', () => {
  test('that the provider cannot be reached', async () => {
    const place = createPlace()
    const env = { ...(await createClient(place)), OIDC_ISSUER: 'http://127.0.0.1:1' }
    expect(await place.run('assertion', { env })).toEqual({
      exitCode: 2,
      stdout: '',
      stderr:
        'countersign: http://127.0.0.1:1/.well-known/openid-configuration cannot be reached: ' +
        'connect ECONNREFUSED 127.0.0.1:1\n',
    })
  })

  test('that the issuer answers with a web page', async () => {
    const place = createPlace()
    const server = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html').end('<title>Sign in</title>')
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const OIDC_ISSUER = `http://127.0.0.1:${port}`
    const env = { ...(await createClient(place)), OIDC_ISSUER }
    const { exitCode, stdout, stderr } = await place.run('assertion', { env })
    server.close()
    server.closeAllConnections()
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr.replaceAll(OIDC_ISSUER, 'http://page')).toMatchInlineSnapshot(`
      "countersign: http://page/.well-known/openid-configuration: a web page where JSON is due (status 200, content type "text/html")
      "
    `)
  })

  test('that a provider of this name is not known', async () => {
    const place = createPlace()
    const env = { ...(await createClient(place)), OIDC_PROVIDER: 'jikko' }
    const { exitCode, stderr } = await place.run('assertion', { env })
    expect(exitCode).toBe(2)
    expect(stderr).toBe(
      'countersign: the configuration has a fault:\n' +
        '  OIDC_PROVIDER: is not the name of a provider: did you mean "jiko"?\n',
    )
  })

  test('that the client has no key', async () => {
    const place = createPlace()
    const { OIDC_CLIENT_KEY: _, OIDC_PROVIDER: __, ...others } = await createClient(place)
    const env = { ...others, OIDC_CLIENT_SECRET: 'a client secret' }
    const { exitCode, stderr } = await place.run('assertion', { env })
    expect(exitCode).toBe(2)
    expect(stderr).toBe(
      'countersign: this client authenticates with client_secret_basic, and sends no assertion of a ' +
        'key: set OIDC_CLIENT_KEY\n',
    )
  })

  test('that the provider takes no key, and what it takes', async () => {
    const place = createPlace()
    const { OIDC_CLIENT_KEY: _, ...others } = await createClient(place)
    const env = { ...others, OIDC_PROVIDER: 'google', OIDC_CLIENT_SECRET: 'a client secret' }
    const { exitCode, stderr } = await place.run('assertion', { env })
    expect(exitCode).toBe(2)
    expect(stderr).toBe(
      'countersign: this client authenticates with client_secret_basic, and sends no assertion of a ' +
        'key: Google takes no client key, and knows clients by client_secret_post or ' +
        'client_secret_basic (https://developers.google.com/identity/openid-connect/openid-connect)\n',
    )
  })
})
