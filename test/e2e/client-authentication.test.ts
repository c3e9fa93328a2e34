import { createPrivateKey } from 'node:crypto'
import { copyFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type ClientAuthentication,
  clientSecretBasic,
  clientSecretJwt,
  clientSecretPost,
  none,
  type OidcEvent,
  type Options,
} from '@countersign/core'
import {
  type ClientKeyAlgorithm,
  type GeneratedClientKey,
  generateClientKey,
  type Provider,
  type ProviderClient,
  startProvider,
} from '@countersign/testing'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type App, startApp } from '../support/app.ts'
import { mainFrameworks } from '../support/frameworks.ts'
import { secret, startSetting } from '../support/setting.ts'
import { createUserAgent } from '../support/user-agent.ts'

let provider: Provider
beforeAll(async () => {
  provider = await startProvider({ interaction: 'auto', tokens: { refreshTokens: 'always' } })
})
afterAll(() => provider.close())

let clients = 0

describe.each(mainFrameworks)('on $name', (framework) => {
  const apps: App[] = []
  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.close()))
  })

  /** Starts an app that the real provider knows. */
  async function start(client: Partial<ProviderClient>, options: Partial<Options>) {
    const clientId = `client-${++clients}`
    const events: OidcEvent[] = []
    const app = await startApp(framework, {
      options: (baseUrl) => ({
        issuer: provider.issuer,
        clientId,
        baseUrl,
        session: { secret, keep: ['accessToken', 'refreshToken', 'idToken'] },
        onEvent: (event) => events.push(event),
        ...options,
      }),
    })
    apps.push(app)
    await provider.addClient({
      clientId,
      redirectUris: [`${app.url}/callback`],
      postLogoutRedirectUris: [`${app.url}/`],
      ...client,
      ...('jwksUri' in client && { jwksUri: `${app.url}/.well-known/jwks.json` }),
    })
    const login = async () => {
      const browser = createUserAgent()
      try {
        const page = await browser.navigate(`${app.url}/profile`)
        return { page, failed: events.filter(({ type }) => type === 'login.failed') }
      } finally {
        browser.close()
      }
    }
    return { app, clientId, events, login }
  }

  /** Starts an app at another provider than the usual one. */
  async function startAt(other: Provider, key: GeneratedClientKey, options: Partial<Options>) {
    const events: OidcEvent[] = []
    const app = await startApp(framework, {
      options: (baseUrl) => ({
        issuer: other.issuer,
        clientId: 'app',
        clientKey: key.privateKeyPem,
        baseUrl,
        session: { secret },
        onEvent: (event) => events.push(event),
        ...options,
      }),
    })
    apps.push(app)
    await other.addClient({
      clientId: 'app',
      redirectUris: [`${app.url}/callback`],
      jwks: { keys: [...key.jwks.keys] },
    })
    return { app, events }
  }

  const lastAssertion = () => provider.assertions.at(-1)

  describe('at a real provider that is strict about client assertions', () => {
    const algorithms: ClientKeyAlgorithm[] = ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA']

    test.each(algorithms)('a key for %s logs in', async (alg) => {
      const key = await generateClientKey(alg)
      const { login, clientId, app } = await start(
        { jwks: { keys: [...key.jwks.keys] }, assertionAlg: alg },
        { clientKey: [{ key: key.privateKeyPem, alg }] },
      )
      const { page, failed } = await login()
      expect(failed).toEqual([])
      expect(page.status).toBe(200)
      const seen = lastAssertion()
      expect(seen?.header).toEqual({ alg, kid: key.kid })
      expect(seen?.payload).toEqual({
        iss: clientId,
        sub: clientId,
        aud: provider.issuer,
        jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
        iat: expect.any(Number),
        exp: Number(seen?.payload.iat) + 60,
      })
      const published = await createUserAgent().fetch(`${app.url}/.well-known/jwks.json`)
      expect(JSON.parse(published.text).keys.map(({ kid }: { kid: string }) => kid)).toEqual([
        key.kid,
      ])
    })

    test('the provider reads our key from our own JWK Set', async () => {
      const key = await generateClientKey('ES256')
      const { login } = await start({ jwksUri: 'filled in' }, { clientKey: key.privateKeyPem })
      expect((await login()).page.status).toBe(200)
    })

    test('every assertion has a "jti" of its own: login, refresh, revocation', async () => {
      const key = await generateClientKey('ES256')
      const { app } = await start(
        { jwks: { keys: [...key.jwks.keys] } },
        { clientKey: key.privateKeyPem },
      )
      const before = provider.assertions.length
      const browser = createUserAgent()
      await browser.navigate(`${app.url}/profile`)
      expect((await browser.navigate(`${app.url}/refresh`)).status).toBe(200)
      await browser.post(`${app.url}/logout`, {})
      const seen = provider.assertions.slice(before)
      expect(seen.map(({ endpoint }) => endpoint)).toEqual([
        'token',
        'token',
        'revocation',
        'revocation',
      ])
      expect(seen.every(({ refusal }) => refusal === undefined)).toBe(true)
      expect(new Set(seen.map(({ payload }) => payload.jti)).size).toBe(4)
      browser.close()
    })

    test('a provider whose metadata demands pushed requests is pushed to, authenticated', async () => {
      const setting = await startSetting(framework)
      try {
        setting.provider.behave.metadata = (honest) => ({
          ...honest,
          require_pushed_authorization_requests: true,
        })
        const page = await setting.browser().navigate(`${setting.app.url}/profile`)
        expect(setting.told('login.failed')).toEqual([])
        expect(page.status).toBe(200)
        const [request] = setting.provider.requestsTo('authorization')
        expect([...(request?.query.keys() ?? [])].sort()).toEqual(['client_id', 'request_uri'])
        expect(setting.provider.assertions.map(({ endpoint }) => endpoint)).toEqual([
          'pushed_authorization_request',
          'token',
        ])
      } finally {
        await setting.close()
      }
    })

    test('an Ed25519 key signs as "Ed25519" where the provider knows no other name', async () => {
      const setting = await startSetting(framework)
      try {
        const key = await generateClientKey('EdDSA')
        setting.provider.registerClient({ clientId: 'ed', jwks: { keys: [...key.jwks.keys] } })
        setting.provider.behave.metadata = (honest) => ({
          ...honest,
          token_endpoint_auth_signing_alg_values_supported: ['Ed25519'],
        })
        const app = await startApp(framework, {
          options: (baseUrl) => ({
            issuer: setting.provider.issuer,
            clientId: 'ed',
            clientKey: key.privateKeyPem,
            baseUrl,
            session: { secret },
          }),
        })
        apps.push(app)
        await setting.browser().navigate(`${app.url}/profile`)
        expect(setting.provider.assertions.at(-1)?.header['alg']).toBe('Ed25519')
      } finally {
        await setting.close()
      }
    })

    test('what it demands otherwise is an option away: audience, type, lifetime, no "kid"', async () => {
      const lenient = await startProvider({ interaction: 'auto', strict: false })
      try {
        const key = await generateClientKey('RS256')
        const { app } = await startAt(lenient, key, {
          assertion: {
            audience: 'token_endpoint',
            typ: 'JWT',
            lifetime: 120,
            kid: false,
            header: { 'x5t#S256': 'abc' },
            claims: { cnf: { jkt: 'x' } },
          },
        })
        const browser = createUserAgent()
        await browser.navigate(`${app.url}/profile`, { follow: 10 })
        const seen = lenient.assertions.at(-1)
        expect(seen?.header).toEqual({ alg: 'RS256', typ: 'JWT', 'x5t#S256': 'abc' })
        expect(seen?.payload).toMatchObject({
          aud: `${lenient.issuer}/token`,
          exp: Number(seen?.payload.iat) + 120,
          cnf: { jkt: 'x' },
        })
        browser.close()
      } finally {
        await lenient.close()
      }
    })

    test('a key that is not registered is an error that names the endpoint, with the client up', async () => {
      const [key, other] = [await generateClientKey('ES256'), await generateClientKey('ES256')]
      const { login } = await start(
        { jwks: { keys: [...other.jwks.keys] } },
        { clientKey: key.privateKeyPem },
      )
      const { page, failed } = await login()
      expect(page.status).toBe(502)
      expect(failed[0]).toMatchObject({
        error: { code: 'ERR_TOKEN_RESPONSE', message: expect.stringContaining('"invalid_client"') },
      })
      expect(JSON.stringify(failed) + page.text).not.toMatch(/\beyJ[\w-]{5}/)
    })
  })

  describe('other methods', () => {
    const clientSecret = 'a-client-secret-of-32-bytes-or-more'
    const methods: [string, ClientAuthentication, Partial<ProviderClient>][] = [
      [
        'client_secret_basic',
        clientSecretBasic(clientSecret),
        { clientSecret, clientAuth: 'client_secret_basic' },
      ],
      [
        'client_secret_post',
        clientSecretPost(clientSecret),
        { clientSecret, clientAuth: 'client_secret_post' },
      ],
      [
        'client_secret_jwt',
        clientSecretJwt(clientSecret),
        { clientSecret, clientAuth: 'client_secret_jwt' },
      ],
      ['none', none(), { clientAuth: 'none' }],
    ]

    test.each(methods)('%s logs in', async (_name, clientAuth, client) => {
      const { login } = await start(client, { clientAuth })
      const { page, failed } = await login()
      expect(failed).toEqual([])
      expect(page.status).toBe(200)
    })

    test('a callback gives a ready assertion, for each request anew', async () => {
      const { SignJWT } = await import('jose')
      const key = await generateClientKey('ES256')
      const { login } = await start(
        { jwks: { keys: [...key.jwks.keys] } },
        {
          clientAuth: async ({ issuer, clientId, tokenEndpoint }) => {
            expect(tokenEndpoint).toBe(`${issuer}/token`)
            return await new SignJWT({ jti: crypto.randomUUID() })
              .setProtectedHeader({ alg: 'ES256', kid: key.kid })
              .setIssuer(clientId)
              .setSubject(clientId)
              .setAudience(issuer)
              .setIssuedAt()
              .setExpirationTime('30s')
              .sign(createPrivateKey(key.privateKeyPem))
          },
        },
      )
      expect((await login()).page.status).toBe(200)
    })
  })

  describe('a key file', () => {
    let folder: string
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'countersign-'))
    })
    afterAll(() => rm(folder, { recursive: true }))

    test('that is replaced signs the next login; a broken one is an event, and the old key stays', async () => {
      const [first, second] = [await generateClientKey('ES256'), await generateClientKey('RS256')]
      const path = join(folder, 'key.pem')
      await writeFile(path, first.privateKeyPem, { mode: 0o600 })
      const { login, events } = await start(
        { jwks: { keys: [...first.jwks.keys, ...second.jwks.keys] } },
        { clientKey: `file:${path}` },
      )
      expect((await login()).page.status).toBe(200)
      expect(lastAssertion()?.header.kid).toBe(first.kid)

      await writeFile(`${path}.new`, second.privateKeyPem, { mode: 0o600 })
      await rename(`${path}.new`, path)
      expect((await login()).page.status).toBe(200)
      expect(lastAssertion()?.header.kid).toBe(second.kid)
      expect(events.find(({ type }) => type === 'key.reloaded')).toMatchObject({
        kids: [second.kid],
      })

      await writeFile(path, '-----BEGIN PRIVATE KEY-----\nbroken')
      expect((await login()).page.status).toBe(200)
      expect(lastAssertion()?.header.kid).toBe(second.kid)
      expect(events.filter(({ type }) => type === 'key.reload_failed')).toHaveLength(1)

      await copyFile(path, `${path}.broken`)
      await writeFile(path, first.privateKeyPem)
      expect((await login()).page.status).toBe(200)
      expect(lastAssertion()?.header.kid).toBe(first.kid)
    })

    test('whose key is too old, or not yet to be used, is a 503 that says until when', async () => {
      const key = await generateClientKey('ES256')
      const from = Math.floor(Date.now() / 1000) + 3600
      const { login } = await start(
        { jwks: { keys: [...key.jwks.keys] } },
        { clientKey: [{ key: key.privateKeyPem, notBefore: from }] },
      )
      const { page, failed } = await login()
      expect(page.status).toBe(503)
      expect(failed[0]).toMatchObject({
        error: {
          code: 'ERR_NO_KEY',
          message: expect.stringContaining(new Date(from * 1000).toISOString().slice(0, 16)),
        },
      })
    })
  })
})
