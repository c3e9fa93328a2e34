import { createPublicKey, randomBytes } from 'node:crypto'
import { optionsFromEnv } from '@countersign/core'
import { generateClientKey, type Provider, startProvider } from '@countersign/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type App, startApp } from '../support/app.ts'
import { express5App } from '../support/apps/express.ts'
import { type Environment, runCommand, settle } from './support/doctor-run.ts'

let provider: Provider
let app: App
let env: Environment
let privateKeyPem: string
let names: Readonly<Record<string, string>>

beforeAll(async () => {
  const key = await generateClientKey('PS256')
  privateKeyPem = key.privateKeyPem
  provider = await startProvider({ preset: 'jiko', onLog() {} })
  const own = {
    OIDC_PROVIDER: 'jiko',
    OIDC_ISSUER: provider.issuer,
    OIDC_CLIENT_ID: 'app',
    OIDC_CLIENT_KEY: privateKeyPem,
    OIDC_SESSION_SECRET: randomBytes(32).toString('hex'),
  }
  app = await startApp(express5App, {
    options: (baseUrl) => optionsFromEnv({ ...own, OIDC_BASE_URL: baseUrl }),
  })
  env = { ...own, OIDC_BASE_URL: app.url }
  names = { [provider.issuer]: 'http://provider', [app.url]: 'http://app', [key.kid]: '<kid>' }
  const publicKey = createPublicKey(privateKeyPem)
    .export({ type: 'spki', format: 'pem' })
    .toString()
  await provider.addClient({ clientId: 'app', publicKey, redirectUris: [`${app.url}/callback`] })
})
afterAll(async () => {
  await app.close()
  await provider.close()
})

/** Runs the doctor; what it says never has what is secret. */
async function examine(flags: readonly string[], changes: Environment = {}) {
  const all = { ...env, ...changes }
  const { code, stdout, stderr, took } = await runCommand(['doctor', ...flags], all)
  const text = settle(stdout, names)
  // Without the name of the key, which is random and may have any of the short ones
  const seen = text + settle(stderr, names)
  const secrets = [privateKeyPem, all['OIDC_SESSION_SECRET'] ?? '', 'BEGIN PRIVATE', 'eyJ']
  for (const secret of secrets) expect(seen).not.toContain(secret)
  return { code, text, stderr, took }
}

describe('the doctor, where all is well', () => {
  test('says so, check by check', async ({ annotate }) => {
    const { code, text, stderr, took } = await examine(['--probe'])
    await annotate(`it took ${Math.round(took)} ms`)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(text).toMatchInlineSnapshot(`
      "
        Countersign doctor

        ✔ Configuration   Jiko, client "app" with private_key_jwt, at http://app
        ✔ Discovery       http://provider answers, and is exactly this issuer
        ✔ Clock           our clock and the provider's agree
        ✔ Authentication  the provider takes private_key_jwt
        ✔ Algorithm       the provider takes PS256
        ✔ Key             an RSA key of 2048 bits, loaded in <time> and signs PS256 in <time>
        ✔ Assertion       aud is the token endpoint, no kid, for 60 s
        ✔ JWK Set         http://app/.well-known/jwks.json has the key that signs
        ✔ Redirect URI    a login leads to the provider, and back to http://app/callback
        ✔ Cookies         a login sets 489 bytes, and 8 kB of cookies get through
        ✔ Session store   none: sessions are in sealed cookies
        ✔ Registration    the provider knows this key: it minds the code alone (invalid_grant)

        All is well: 12 well in <time>

      "
    `)
  })

  test('says all that it has seen to those who want to know', async () => {
    const { code, text } = await examine(['--probe', '--verbose'])
    expect(code).toBe(0)
    expect(text).toMatchInlineSnapshot(`
      "
        Countersign doctor

        ✔ Configuration   Jiko, client "app" with private_key_jwt, at http://app
                          provider: jiko
                          issuer: http://provider
                          clientId: app
                          clientAuth: private_key_jwt
                          baseUrl: http://app
                          cookies: not Secure
                          sessionSecrets: 1
        ✔ Discovery       http://provider answers, and is exactly this issuer
                          issuer: http://provider
                          token_endpoint: http://provider/token
                          jwks_uri: http://provider/jwks
        ✔ Clock           our clock and the provider's agree
                          skew: <time>
        ✔ Authentication  the provider takes private_key_jwt
                          method: private_key_jwt
                          supported: ["private_key_jwt"]
        ✔ Algorithm       the provider takes PS256
                          alg: PS256
                          supported: ["PS256","EdDSA"]
        ✔ Key             an RSA key of 2048 bits, loaded in <time> and signs PS256 in <time>
                          kid: <kid>
                          alg: PS256
                          key: RSA key of 2048 bits
                          loadedInMilliseconds: <time>
                          signedInMilliseconds: <time>
        ✔ Assertion       aud is the token endpoint, no kid, for 60 s
                          header: {"alg":"PS256","typ":"JWT"}
                          claims: {"iss":"app","sub":"app","aud":"http://provider/token","jti":"<jti>","iat":"<moment>","exp":"<moment>"}
        ✔ JWK Set         http://app/.well-known/jwks.json has the key that signs
                          url: http://app/.well-known/jwks.json
                          kids: ["<kid>"]
                          cacheControl: public, max-age=300
        ✔ Redirect URI    a login leads to the provider, and back to http://app/callback
                          redirectUri: http://app/callback
                          authorizationEndpoint: http://provider/authorize
        ✔ Cookies         a login sets 489 bytes, and 8 kB of cookies get through
                          cookies: 1
                          largest: 534
                          total: 489
                          status: 303
        ✔ Session store   none: sessions are in sealed cookies
        ✔ Registration    the provider knows this key: it minds the code alone (invalid_grant)
                          outcome: accepted
                          error: invalid_grant
                          description: authorization code not found
                          note: a few providers look at the code first: there this says nothing of the key

        All is well: 12 well in <time>

      "
    `)
  })

  test('says so to programs', async () => {
    const { code, text } = await examine(['--json'])
    expect(code).toBe(0)
    const { outcome, checks } = JSON.parse(text)
    expect(outcome).toBe('well')
    expect(checks.map(({ id, outcome }: Record<string, string>) => `${id}: ${outcome}`)).toEqual([
      'configuration: well',
      'discovery: well',
      'clock: well',
      'authentication-method: well',
      'algorithm: well',
      'key: well',
      'assertion: well',
      'jwks: well',
      'redirect-uri: well',
      'cookies: well',
      'store: well',
    ])
    expect(checks[6]).toMatchInlineSnapshot(`
      {
        "facts": {
          "claims": {
            "aud": "http://provider/token",
            "exp": "<moment>",
            "iat": "<moment>",
            "iss": "app",
            "jti": "<jti>",
            "sub": "app",
          },
          "header": {
            "alg": "PS256",
            "typ": "JWT",
          },
        },
        "id": "assertion",
        "outcome": "well",
        "problems": [],
        "seen": "aud is the token endpoint, no kid, for 60 s",
        "title": "Assertion",
      }
    `)
  })
})

describe('the doctor tells programs', () => {
  test('of a warning', async () => {
    const { code, text, stderr } = await examine(['--json'], { SESSION_STORE: 'memory' })
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    const { outcome, checks } = JSON.parse(text)
    expect(outcome).toBe('warning')
    expect(checks.at(-1)).toMatchInlineSnapshot(`
      {
        "facts": {},
        "id": "store",
        "outcome": "warning",
        "problems": [
          {
            "fix": "For more than development set REDIS_URL or DATABASE_URL, or leave all three away: then sessions are in sealed cookies.",
            "means": "A restart signs everybody out, and a second replica knows nobody of the first.",
            "severity": "warning",
          },
        ],
        "seen": "sessions are in the memory of one process (SESSION_STORE=memory)",
        "title": "Session store",
      }
    `)
  })

  test('of what is broken', async () => {
    const { code, text, stderr } = await examine(['--json'], {
      OIDC_ISSUER: `${provider.issuer}/x`,
    })
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' })
    const { outcome, checks } = JSON.parse(text)
    expect(outcome).toBe('broken')
    expect(checks.slice(1, 4)).toMatchInlineSnapshot(`
      [
        {
          "facts": {},
          "id": "discovery",
          "outcome": "broken",
          "problems": [
            {
              "fix": "Compare it with Jiko's: it looks like "https://auth.jiko.io".",
              "means": "There is no metadata there: the issuer is another URL, or a part of its path is missing.",
              "severity": "broken",
            },
          ],
          "seen": "http://provider/x/.well-known/openid-configuration answers 404",
          "title": "Discovery",
        },
        {
          "facts": {
            "skew": "<time>",
          },
          "id": "clock",
          "outcome": "well",
          "problems": [],
          "seen": "our clock and the provider's agree",
          "title": "Clock",
        },
        {
          "facts": {},
          "id": "authentication-method",
          "outcome": "skipped",
          "problems": [],
          "seen": "see Discovery",
          "title": "Authentication",
        },
      ]
    `)
  })
})
