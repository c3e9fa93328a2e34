import { createHash } from 'node:crypto'
import * as oidc from 'openid-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createUserAgent, type Page, type UserAgent } from '../../../test/support/user-agent.ts'
import {
  type GeneratedClientKey,
  generateClientKey,
  type Provider,
  type ProviderClient,
  startProvider,
} from '../src/index.ts'
import { discover, login, postLogoutRedirectUri, redirectUri, visit } from './app.ts'

const frontchannelLogoutUri = 'http://localhost:9/front-channel-logout?tenant=a%26b'

let key: GeneratedClientKey
let app: ProviderClient

beforeAll(async () => {
  key = await generateClientKey()
  app = {
    clientId: 'app',
    jwks: key.jwks,
    redirectUris: [redirectUri],
    postLogoutRedirectUris: [postLogoutRedirectUri],
    frontchannelLogoutUri,
  }
})

describe('where nobody is asked', () => {
  let provider: Provider
  let config: oidc.Configuration

  beforeAll(async () => {
    provider = await startProvider({ interaction: 'auto', clients: [app] })
    config = await discover(provider, key)
  })

  afterAll(() => provider.close())

  /** Signs in, and out again: the last page, and the `sid` of the ID Token. */
  async function signInAndOut(agent: UserAgent): Promise<{ page: Page; sid: unknown }> {
    const tokens = await (await login(config, {}, { agent })).redeem()
    const url = oidc.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token ?? '',
      post_logout_redirect_uri: postLogoutRedirectUri,
      state: 'a&b',
    })
    return { page: await visit(agent, url.href), sid: tokens.claims()?.['sid'] }
  }

  test('a logout frames the app with the issuer and the "sid" of the ID Token', async () => {
    const agent = createUserAgent()
    const { page, sid } = await signInAndOut(agent)
    expect(page.status).toBe(200)
    expect(sid).toEqual(expect.any(String))
    expect(readFrames(page)).toEqual([
      `${frontchannelLogoutUri}&${new URLSearchParams({ iss: provider.issuer, sid: String(sid) })}`,
    ])
    expect(page.headers['cache-control']).toBe('no-store')
    const { callback } = await login(config, { prompt: 'none' }, { agent })
    expect(callback.searchParams.get('error')).toBe('login_required')
  })

  test('its page goes on to the app, with a script and without', async () => {
    const { page } = await signInAndOut(createUserAgent())
    const onward = `${postLogoutRedirectUri}?state=a%26b`
    expect(page.headers['refresh']).toBe(`0;url=${onward}`)
    expect(page.headers.location).toBeUndefined()
    expect(page.text).toContain(`<a id="onward" href="${onward}">`)
    const script = /<script>([^<]*)<\/script>/.exec(page.text)?.[1] ?? ''
    const hash = createHash('sha256').update(script).digest('base64')
    const policy = page.headers['content-security-policy']
    expect(policy).toContain(`script-src 'self' 'sha256-${hash}'`)
    expect(policy).toContain('frame-src http://localhost:9;')
  })

  test('a client that wants no "iss" and "sid" gets its URL as it is', async () => {
    await provider.addClient({ ...app, frontchannelLogoutSessionRequired: false })
    const { page, sid } = await signInAndOut(createUserAgent())
    expect(sid).toBeUndefined()
    expect(readFrames(page)).toEqual([frontchannelLogoutUri])
    await provider.addClient(app)
  })

  test('a client without the URL gets neither frame nor page', async () => {
    const { frontchannelLogoutUri: _, ...plain } = app
    await provider.addClient(plain)
    const { page, sid } = await signInAndOut(createUserAgent())
    expect(sid).toBeUndefined()
    expect(page.history.at(-1)?.location).toBe(`${postLogoutRedirectUri}?state=a%26b`)
    await provider.addClient(app)
  })

  test('the URL must have the origin of a redirect URI', async () => {
    const foreign = { ...app, frontchannelLogoutUri: 'http://localhost:10/logout' }
    await expect(provider.addClient(foreign)).rejects.toThrow(
      '"frontchannelLogoutUri" must have the origin of one of the "redirectUris"',
    )
  })

  test('the metadata say so', () => {
    expect(config.serverMetadata()).toMatchObject({
      frontchannel_logout_supported: true,
      frontchannel_logout_session_supported: true,
    })
  })
})

describe('where the End-User is asked', () => {
  let provider: Provider
  const second = {
    clientId: 'second',
    clientSecret: 'a secret that is long enough for everything',
    redirectUris: [redirectUri],
    frontchannelLogoutUri: 'http://localhost:9/second',
  }

  beforeAll(async () => {
    provider = await startProvider({ clients: [app, second] })
  })

  afterAll(() => provider.close())

  /** Signs in to both apps, then asks to be signed out of the second. */
  async function pressOnLogout(form: Record<string, string>): Promise<Page> {
    const agent = createUserAgent()
    const question = await authorize(agent, 'app')
    const answer = await agent.post(question.url, { sub: 'ada' }, { follow: false })
    await visit(agent, new URL(answer.history[0]?.location ?? '', question.url).href)
    await authorize(agent, 'second')
    const page = await agent.navigate(`${provider.issuer}/logout?client_id=second`)
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
    return agent.post(`${provider.issuer}/logout/confirm`, { xsrf, ...form }, { follow: false })
  }

  function authorize(agent: UserAgent, client_id: string): Promise<Page> {
    const query = new URLSearchParams({
      client_id,
      redirect_uri: redirectUri,
      response_type: 'code',
      scope: 'openid',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    })
    return visit(agent, `${provider.issuer}/authorize?${query}`)
  }

  test('signing out of the provider frames every app of the session', async () => {
    const page = await pressOnLogout({ logout: 'yes' })
    expect(readFrames(page).map((url) => new URL(url).pathname)).toEqual([
      '/front-channel-logout',
      '/second',
    ])
    expect(page.headers['refresh']).toBe(`0;url=${provider.issuer}/logout/success`)
  })

  test('staying signed in at the provider frames only the app that was left', async () => {
    const page = await pressOnLogout({})
    expect(readFrames(page).map((url) => new URL(url).pathname)).toEqual(['/second'])
  })
})

function readFrames(page: Page): readonly string[] {
  const sources = page.text.matchAll(/<iframe src="([^"]+)"/g)
  return [...sources].map(([, src]) => (src ?? '').replaceAll('&amp;', '&'))
}
