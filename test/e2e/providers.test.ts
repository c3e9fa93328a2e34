import { MemoryStore } from 'express-session'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { mainFrameworks } from '../support/frameworks.ts'
import { type ProvidersSetting, startProviders } from '../support/providers.ts'
import { secret } from '../support/setting.ts'
import type { UserAgent } from '../support/user-agent.ts'

const keep = ['idToken', 'accessToken', 'refreshToken'] as const

const [first] = mainFrameworks
const runs = [
  ...mainFrameworks.map((framework) => ({ name: framework.name, framework, store: false })),
  ...(first ? [{ name: `${first.name} and a store`, framework: first, store: true }] : []),
]

describe.each(runs)('on $name', ({ framework, store }) => {
  let setting: ProvidersSetting
  beforeAll(async () => {
    const kept = store ? { store: new MemoryStore() } : {}
    setting = await startProviders(framework, {
      session: { secret, keep, ...kept },
      onLogin: ({ provider }) => ({ from: provider }),
    })
  })
  beforeEach(() => setting.reset())
  afterAll(() => setting.close())

  const at = (path: string) => setting.app.url + path
  const which = async (browser: UserAgent) =>
    JSON.parse((await browser.navigate(at('/which'))).text).provider

  test('an End-User signs in at each of them, and the session says at which', async () => {
    setting.one.behave.sub = 'ada'
    setting.two.behave.sub = 'ada'
    for (const id of ['one', 'two'] as const) {
      const browser = await setting.signIn(id)
      const page = await browser.navigate(at('/which'))
      expect(JSON.parse(page.text)).toEqual({ provider: id, sub: 'ada' })
      expect(JSON.parse((await browser.navigate(at('/profile'))).text).from).toBe(id)
      expect(setting[id].requestsTo('token')).toHaveLength(1)
      const { form } = setting[id].requestsTo('token')[0] ?? {}
      expect(form?.get('redirect_uri')).toBe(at(`/callback/${id}`))
    }
  })

  test('logins at both are under way in two tabs, and end in either order', async () => {
    for (const order of [
      ['one', 'two'],
      ['two', 'one'],
    ] as const) {
      const browser = setting.browser()
      const callbacks = new Map<string, string>()
      for (const id of ['one', 'two']) {
        const start = await browser.navigate(at(`/login/${id}?returnTo=/which`), { follow: false })
        const answer = await browser.navigate(start.headers.location ?? '', { follow: false })
        callbacks.set(id, answer.headers.location ?? '')
      }
      for (const id of order) {
        const page = await browser.navigate(callbacks.get(id) ?? '')
        expect(JSON.parse(page.text).provider).toBe(id)
      }
    }
  })

  test('without a name, End-Users choose on a page, and go on to where they wanted to', async () => {
    const browser = setting.browser()
    const page = await browser.navigate(at('/profile?a=1&b="'))
    expect(page.status).toBe(200)
    expect(page.text).toContain('Number &lt;One&gt;')
    expect(page.text).not.toContain('<One>')
    const links = [...page.text.matchAll(/href="([^"]+\/login\/\w+[^"]*)"/g)].map(([, link]) =>
      (link ?? '').replaceAll('&amp;', '&'),
    )
    expect(links.map((link) => new URL(link).pathname)).toEqual(['/login/one', '/login/two'])
    const home = await browser.navigate(links[1] ?? '')
    expect(home.url).toBe(at('/profile?a=1&b=%22'))
    expect(await which(browser)).toBe('two')
  })

  test('the page takes no one to another site, and HEAD gets its head', async () => {
    const browser = setting.browser()
    const page = await browser.navigate(at('/login?returnTo=https://attacker.example/'))
    expect(page.status).toBe(200)
    expect(page.text).not.toContain('attacker')
    const head = await browser.fetch(at('/login'), {
      method: 'HEAD',
      headers: { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
    })
    expect([head.status, head.text]).toEqual([200, ''])
  })

  test('a guard demands one of them, also of who is signed in at another', async () => {
    const browser = await setting.signIn('one')
    const page = await browser.navigate(at('/at-two'))
    expect([page.status, page.text]).toEqual([200, 'ok'])
    expect(await which(browser)).toBe('two')
    expect((await browser.navigate(at('/at-two'))).history).toHaveLength(1)
  })

  test('a script is told where to sign in', async () => {
    const anonymous = setting.browser()
    const signedIn = await setting.signIn('one')
    for (const browser of [anonymous, signedIn]) {
      const answer = await browser.fetch(at('/at-two'))
      expect(answer.status).toBe(401)
      expect(JSON.parse(answer.text).login_url).toBe(at('/login/two'))
      expect(answer.headers['www-authenticate']).toContain(at('/login/two'))
    }
    expect(JSON.parse((await anonymous.fetch(at('/profile'))).text).login_url).toBe(at('/login'))
    expect(JSON.parse((await anonymous.fetch(at('/login'))).text).login_url).toBe(at('/login'))
    expect((await anonymous.fetch(at('/login/two'))).status).toBe(401)
  })

  test('a stronger sign-in is asked for where the session is from', async () => {
    const browser = await setting.signIn('two')
    setting.reset()
    const page = await browser.navigate(at('/strong'))
    expect(page.text).toBe('ok')
    expect(setting.two.requestsTo('authorization')[0]?.query.get('acr_values')).toBe('strong')
    expect(setting.one.requests).toEqual([])
  })

  test('tokens, UserInfo and logout are a matter of the provider that the session is from', async () => {
    const browser = await setting.signIn('two')
    expect((await browser.navigate(at('/refresh'))).status).toBe(200)
    expect((await browser.navigate(at('/userinfo'))).status).toBe(200)
    const page = await browser.navigate(at('/logout'), { follow: false })
    expect(page.headers.location).toContain(`${setting.two.issuer}/logout?`)
    expect(setting.two.requestsTo('userinfo')).toHaveLength(1)
    expect(setting.one.requestsTo('token')).toEqual([])
    expect(await which(browser)).toBeUndefined()
  })

  test('a provider that is not there is said to be none, and no other path is taken', async () => {
    const browser = setting.browser()
    for (const path of ['/login/three', '/callback/three?code=x&state=y', '/callback?code=x']) {
      expect((await browser.navigate(at(path))).status).toBe(400)
    }
    for (const path of ['/login/one/two', '/login/', '/login/%6Fne', '/login/a.b', '/LOGIN/one']) {
      expect((await browser.navigate(at(path), { follow: false })).status).toBe(404)
    }
  })

  test('nobody returns to where another login, or a logout, begins', async () => {
    for (const path of ['/login/two', '/callback/one', '/logout', '/login']) {
      const browser = setting.browser()
      const page = await browser.navigate(at(`/login/one?returnTo=${path}`))
      expect(page.url).toBe(at('/'))
      expect(await which(browser)).toBe('one')
    }
  })

  test('a third party names the issuer to sign in at', async () => {
    const browser = setting.browser()
    const iss = (issuer: string) => new URLSearchParams({ iss: issuer, target_link_uri: '/which' })
    const page = await browser.navigate(at(`/login?${iss(setting.two.issuer)}`))
    expect(JSON.parse(page.text).provider).toBe('two')
    for (const path of [
      `/login?${iss('https://attacker.example')}`,
      `/login/one?${iss(setting.two.issuer)}`,
    ]) {
      expect((await browser.navigate(at(path))).status).toBe(400)
    }
  })

  test('each has a JWK Set, a back-channel and a front-channel of its own', async () => {
    const browser = setting.browser()
    const kids = async (path: string): Promise<string[]> =>
      JSON.parse((await browser.fetch(at(path))).text).keys.map(({ kid }: { kid: string }) => kid)
    const [one, two] = [
      await kids('/.well-known/jwks.json/one'),
      await kids('/.well-known/jwks.json/two'),
    ]
    expect(await kids('/.well-known/jwks.json')).toEqual([...one, ...two])
    expect(new Set([...one, ...two]).size).toBe(2)
    for (const id of ['one', 'two']) {
      expect((await browser.fetch(at(`/backchannel-logout/${id}`))).status).toBe(405)
      expect((await browser.fetch(at(`/frontchannel-logout/${id}`))).status).not.toBe(404)
    }
  })

  test('the same callback twice, as after a double click, is one login', async () => {
    const browser = setting.browser()
    const start = await browser.navigate(at('/login/two?returnTo=/which'), { follow: false })
    const answer = await browser.navigate(start.headers.location ?? '', { follow: false })
    const callback = answer.headers.location ?? ''
    const pages = await Promise.all([browser.navigate(callback), browser.navigate(callback)])
    expect(pages.map(({ text }) => JSON.parse(text).provider)).toEqual(['two', 'two'])
    expect(setting.two.requestsTo('token')).toHaveLength(1)
    // Nor does what is left of it lead anywhere at another provider's address
    const other = await browser.navigate(callback.replace('/callback/two', '/callback/one'))
    expect(setting.one.requestsTo('token')).toEqual([])
    expect(JSON.parse(other.text).provider).toBe('two')
  })

  test('a provider that is down stops nobody at the other', async () => {
    await setting.one.pause()
    try {
      expect(await setting.signIn('two').then(which)).toBe('two')
    } finally {
      await setting.one.resume()
    }
  })
})
