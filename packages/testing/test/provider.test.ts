import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as oidc from 'openid-client'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { findPort } from '../../../test/house/ports.ts'
import { createUserAgent } from '../../../test/support/user-agent.ts'
import {
  type GeneratedClientKey,
  generateClientKey,
  type Provider,
  startProvider,
} from '../src/index.ts'
import { discover, login, postLogoutRedirectUri, redirectUri, visit } from './app.ts'

let key: GeneratedClientKey
let provider: Provider
let config: oidc.Configuration
const printed: unknown[][] = []
const spies = (['log', 'info', 'warn', 'error', 'debug'] as const).map((name) =>
  vi.spyOn(console, name).mockImplementation((...words) => void printed.push(words)),
)

beforeAll(async () => {
  key = await generateClientKey()
  provider = await startProvider({
    // One that nobody else is given while it is paused
    port: await findPort(),
    interaction: 'auto',
    clients: [
      {
        clientId: 'app',
        jwks: key.jwks,
        redirectUris: [redirectUri],
        postLogoutRedirectUris: [postLogoutRedirectUri],
      },
    ],
  })
  config = await discover(provider, key)
})

afterAll(async () => {
  await provider.close()
  for (const spy of spies) spy.mockRestore()
})

describe('a login', () => {
  test('gives an ID Token with name and e-mail address, and prints nothing', async () => {
    const { callback, redeem } = await login(config)
    expect(callback.searchParams.get('iss')).toBe(provider.issuer)
    const tokens = await redeem()
    expect(tokens.claims()).toMatchObject({
      sub: 'ada',
      name: 'Ada Lovelace',
      email: 'ada@example.com',
      amr: ['pwd'],
      auth_time: expect.any(Number),
    })
    const userInfo = await oidc.fetchUserInfo(config, tokens.access_token, 'ada')
    expect(userInfo.name).toBe('Ada Lovelace')
    expect(printed).toEqual([])
  })

  test('records the client assertion without its signature', async () => {
    await (await login(config)).redeem()
    const seen = provider.assertions.at(-1)
    expect(seen).toMatchObject({
      endpoint: 'token',
      header: { alg: 'ES256', kid: key.kid },
      payload: { iss: 'app', sub: 'app', aud: provider.issuer },
    })
    expect(provider.requests).toContainEqual({ method: 'POST', path: '/token' })
  })

  test('needs PKCE with S256', async () => {
    const url = oidc.buildAuthorizationUrl(config, { redirect_uri: redirectUri, scope: 'openid' })
    const page = await visit(createUserAgent(), url.href)
    const location = new URL(page.history.at(-1)?.location ?? '')
    expect(location.searchParams.get('error')).toBe('invalid_request')
    expect(location.searchParams.get('error_description')).toMatch(/PKCE/)
  })

  test('can be pushed first, and answered with form_post', async () => {
    const { page } = await login(config, { response_mode: 'form_post' }, { isPushed: true })
    expect(page.status).toBe(200)
    expect(page.text).toContain(`action="${redirectUri}"`)
    expect(page.headers['content-security-policy']).toMatch(/script-src 'self' 'sha256-/)
    expect(provider.assertions.at(-1)?.endpoint).toBe('pushed_authorization_request')
  })

  test('is made by the account that "signInAs" or a login_hint names', async () => {
    provider.signInAs('grace', { acr: 'gold', amr: ['hwk'], authTime: 1_700_000_000 })
    expect((await (await login(config)).redeem()).claims()).toMatchObject({
      sub: 'grace',
      acr: 'gold',
      amr: ['hwk'],
      auth_time: 1_700_000_000,
    })
    const hinted = await login(config, { login_hint: 'Alan@example.com' })
    expect((await hinted.redeem()).claims()?.sub).toBe('alan')
    expect(() => provider.signInAs('nobody')).toThrow('no account has the sub "nobody"')
  })

  test('is refused when "refuse" says so', async () => {
    provider.refuse()
    const { callback } = await login(config)
    expect(callback.searchParams.get('error')).toBe('access_denied')
    expect(callback.searchParams.get('iss')).toBe(provider.issuer)
  })

  test('is repeated for acr_values that the session does not have, and for prompt=login', async () => {
    const agent = createUserAgent()
    await login(config, {}, { agent })
    const step = await login(config, { acr_values: 'strong' }, { agent })
    expect((await step.redeem()).claims()?.['acr']).toBe('strong')
    const paths = (page: typeof step.page) => page.history.map(({ url }) => new URL(url).pathname)
    expect(paths(step.page).some((path) => path.startsWith('/sign-in/'))).toBe(true)

    const again = await login(config, { acr_values: 'strong' }, { agent })
    expect(paths(again.page)).toEqual(['/authorize'])
    provider.signInAs('grace')
    const other = await login(config, { prompt: 'login' }, { agent })
    expect((await other.redeem()).claims()?.sub).toBe('grace')
  })

  test('with prompt=none and no session is answered with login_required', async () => {
    const { callback } = await login(config, { prompt: 'none' })
    expect(callback.searchParams.get('error')).toBe('login_required')
  })
})

describe('tokens', () => {
  test('are refreshed, introspected and revoked, and refresh tokens rotate', async () => {
    const offline = { scope: 'openid offline_access', prompt: 'consent' }
    const first = await (await login(config, offline)).redeem()
    const second = await oidc.refreshTokenGrant(config, first.refresh_token ?? '')
    expect(second.refresh_token).not.toBe(first.refresh_token)
    const active = await oidc.tokenIntrospection(config, second.access_token)
    expect(active).toMatchObject({ active: true, sub: 'ada' })
    await oidc.tokenRevocation(config, second.refresh_token ?? '')
    await expect(oidc.refreshTokenGrant(config, second.refresh_token ?? '')).rejects.toMatchObject({
      error: 'invalid_grant',
      error_description: 'refresh token not found',
    })
  })

  test('are signed with the algorithm that the client registered', async () => {
    for (const idTokenAlg of ['PS256', 'ES256', 'EdDSA'] as const) {
      await provider.addClient({
        clientId: 'app',
        publicKey: key.publicJwk,
        redirectUris: [redirectUri],
        postLogoutRedirectUris: [postLogoutRedirectUri],
        idTokenAlg,
      })
      const strict = await discover(provider, key, { id_token_signed_response_alg: idTokenAlg })
      oidc.enableNonRepudiationChecks(strict)
      expect((await (await login(strict)).redeem()).claims()?.sub).toBe('ada')
    }
    await provider.addClient({
      clientId: 'app',
      jwks: key.jwks,
      redirectUris: [redirectUri],
      postLogoutRedirectUris: [postLogoutRedirectUri],
    })
  })

  test('carry a new kid after a rotation, and old ones still verify unless retired', async () => {
    const kids = async () => {
      const { keys } = (await (await fetch(`${provider.issuer}/jwks`)).json()) as {
        keys: { kid: string }[]
      }
      return keys.map(({ kid }) => kid)
    }
    const old = await kids()
    const { id_token } = await (await login(config)).redeem()
    await provider.rotateKeys()
    expect(await kids()).toEqual(expect.arrayContaining(old))
    const fresh = await (await login(config)).redeem()
    const kidOf = (jwt: string | undefined) =>
      JSON.parse(Buffer.from(jwt?.split('.')[0] ?? '', 'base64url').toString()).kid
    expect(old).toContain(kidOf(id_token))
    expect(old).not.toContain(kidOf(fresh.id_token))
    await provider.rotateKeys({ retire: true })
    expect(await kids()).toHaveLength(4)
  })
})

describe('logout', () => {
  test('ends the session and returns to the app with its state, without a page', async () => {
    const agent = createUserAgent()
    const tokens = await (await login(config, {}, { agent })).redeem()
    const url = oidc.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token ?? '',
      post_logout_redirect_uri: postLogoutRedirectUri,
      state: 'bye',
    })
    const page = await visit(agent, url.href)
    expect(page.history.at(-1)?.location).toBe(`${postLogoutRedirectUri}?state=bye`)
    const { callback } = await login(config, { prompt: 'none' }, { agent })
    expect(callback.searchParams.get('error')).toBe('login_required')
  })

  test('by "endSessions" asks everybody to sign in again', async () => {
    const agent = createUserAgent()
    await login(config, {}, { agent })
    provider.endSessions()
    const { callback } = await login(config, { prompt: 'none' }, { agent })
    expect(callback.searchParams.get('error')).toBe('login_required')
  })
})

describe('the network', () => {
  afterEach(() => provider.resume())

  test('a paused provider refuses connections, and comes back on its port', async () => {
    await provider.pause()
    await expect(fetch(provider.issuer)).rejects.toThrow('fetch failed')
    await provider.resume()
    expect((await (await login(config)).redeem()).claims()?.sub).toBe('ada')
  })

  test('a client with "jwksUri" may rotate its key without telling the provider', async () => {
    let published = key.jwks
    const app = createServer((_req, res) => res.end(JSON.stringify(published)))
    await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve))
    const jwksUri = `http://127.0.0.1:${(app.address() as AddressInfo).port}/jwks.json`
    const local = await startProvider({
      interaction: 'auto',
      clients: [{ clientId: 'app', jwksUri, redirectUris: [redirectUri] }],
    })
    try {
      const before = await (await login(await discover(local, key))).redeem()
      expect(before.claims()?.sub).toBe('ada')
      const next = await generateClientKey('RS256')
      published = { keys: [...next.jwks.keys, ...key.jwks.keys] }
      const after = await (await login(await discover(local, next))).redeem()
      expect(after.claims()?.sub).toBe('ada')
    } finally {
      await local.close()
      app.close()
      app.closeAllConnections()
    }
  })

  test('a client that oidc-provider would not accept is refused when it is added', async () => {
    const unknown = { clientId: 'bad', jwks: key.jwks, redirectUris: ['not a url'] }
    await expect(provider.addClient(unknown)).rejects.toThrow(/client "bad": redirect_uris/)
  })

  test('nothing was printed in all this', () => {
    expect(printed).toEqual([])
  })
})
