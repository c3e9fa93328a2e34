import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createUserAgent, type Page, type UserAgent } from '../../../test/support/user-agent.ts'
import { type Provider, startProvider } from '../src/index.ts'
import { redirectUri, visit } from './app.ts'

let provider: Provider

beforeAll(async () => {
  provider = await startProvider({
    clients: [
      {
        clientId: 'demo',
        name: 'Demo & <friends>',
        clientSecret: 'a secret that is long enough for everything',
        redirectUris: [redirectUri],
      },
    ],
  })
})

afterAll(() => provider.close())

function authorize(agent: UserAgent, params: Record<string, string> = {}): Promise<Page> {
  const query = new URLSearchParams({
    client_id: 'demo',
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'openid profile',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
    state: 's',
    ...params,
  })
  return visit(agent, `${provider.issuer}/authorize?${query}`)
}

/** Presses a button of the page, and follows up to the app's door. */
async function press(agent: UserAgent, page: Page, form: Record<string, string>): Promise<URL> {
  const answer = await agent.post(page.url, form, { follow: false })
  const next = await visit(agent, new URL(answer.history[0]?.location ?? '', page.url).href)
  return new URL(next.history.at(-1)?.location ?? next.url)
}

describe('the sign-in page', () => {
  test('lists the accounts, names the app and says what it is', async () => {
    const page = await authorize(createUserAgent())
    expect(page.status).toBe(200)
    for (const name of ['Ada Lovelace', 'Grace Hopper', 'Alan Turing']) {
      expect(page.text).toContain(`Continue as ${name}`)
    }
    expect(page.text).toContain('Demo &amp; &lt;friends&gt;')
    expect(page.text).toContain('Local demo provider')
    expect(page.text).not.toMatch(/<script|\son\w+=|https?:\/\/(?!127)/)
    expect(page.headers['cache-control']).toBe('no-store')
    expect(page.headers['content-security-policy']).toMatch(
      /default-src 'none'; style-src 'sha256-/,
    )
  })

  test('signs in the account whose button is pressed', async () => {
    const agent = createUserAgent()
    const callback = await press(agent, await authorize(agent), { sub: 'grace' })
    expect(callback.searchParams.get('code')).toBeTruthy()
    expect(callback.searchParams.get('state')).toBe('s')
  })

  test('signs in whoever is typed', async () => {
    const agent = createUserAgent()
    const page = await authorize(agent)
    const callback = await press(agent, page, { somebody: 'Katherine Johnson' })
    expect(callback.searchParams.get('code')).toBeTruthy()
    const logout = await agent.navigate(`${provider.issuer}/logout?client_id=demo`)
    expect(logout.text).toContain('Katherine Johnson')
  })

  test('shows itself again when nothing was chosen', async () => {
    const agent = createUserAgent()
    const page = await authorize(agent)
    const again = await agent.post(page.url, { sub: 'nobody' })
    expect(again.status).toBe(200)
    expect(again.text).toContain('Continue as Ada Lovelace')
  })

  test('answers the app with access_denied when it is cancelled', async () => {
    const agent = createUserAgent()
    const callback = await press(agent, await authorize(agent), { cancel: 'yes' })
    expect(callback.searchParams.get('error')).toBe('access_denied')
    expect(callback.searchParams.get('iss')).toBe(provider.issuer)
  })

  test('puts the hinted account first, or fills in the hint', async () => {
    const page = await authorize(createUserAgent(), { login_hint: 'alan@example.com' })
    expect(page.text.indexOf('Alan Turing')).toBeLessThan(page.text.indexOf('Ada Lovelace'))
    const typed = await authorize(createUserAgent(), { login_hint: '"><b>' })
    expect(typed.text).toContain('value="&quot;&gt;&lt;b&gt;"')
  })

  test('of another browser is not this one', async () => {
    const { url } = await authorize(createUserAgent())
    const page = await createUserAgent().navigate(url)
    expect(page.status).toBe(400)
    expect(page.text).toContain('begun in another browser')
  })
})

describe('the other pages', () => {
  test('the address of the provider says what it is', async () => {
    const page = await createUserAgent().navigate(provider.issuer)
    expect(page.text).toContain(`<code>${provider.issuer}</code>`)
  })

  test('prompt=consent asks, and goes on when it is allowed', async () => {
    const agent = createUserAgent()
    await press(agent, await authorize(agent), { sub: 'ada' })
    const page = await authorize(agent, { prompt: 'consent' })
    expect(page.text).toContain('You are signed in as <strong>Ada Lovelace</strong>')
    const callback = await press(agent, page, { consent: 'yes' })
    expect(callback.searchParams.get('code')).toBeTruthy()
  })

  test('a logout is confirmed, and leads to a page when the app named no other', async () => {
    const agent = createUserAgent()
    await press(agent, await authorize(agent), { sub: 'ada' })
    const page = await agent.navigate(`${provider.issuer}/logout?client_id=demo`)
    expect(page.text).toContain('signed in at the provider as <strong>Ada Lovelace</strong>')
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
    const done = await agent.post(`${provider.issuer}/logout/confirm`, { xsrf, logout: 'yes' })
    expect(done.url).toBe(`${provider.issuer}/logout/success`)
    expect(done.text).toContain('You are signed out')
    const again = await agent.navigate(`${provider.issuer}/logout?client_id=demo`)
    expect(again.text).toContain('You are signed out')
  })

  test('a request that cannot go back to the app ends at a page that says why', async () => {
    const page = await authorize(createUserAgent(), { redirect_uri: 'http://localhost:8/evil' })
    expect(page.status).toBe(400)
    expect(page.text).toContain('invalid_redirect_uri')
  })
})
