import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { mainFrameworks } from '../../support/frameworks.ts'
import { type ProvidersSetting, startProviders } from '../../support/providers.ts'
import type { UserAgent } from '../../support/user-agent.ts'

const cases = mainFrameworks.flatMap((framework) =>
  (['with', 'without'] as const).map((how) => ({ name: framework.name, framework, how })),
)

/** RFC 9700, 4.4 and 4.5: provider `two` is the attacker's, and the End-User is honest. */
describe.each(cases)('on $name, $how "iss" in responses', ({ framework, how }) => {
  let setting: ProvidersSetting
  beforeAll(async () => {
    setting = await startProviders(framework)
  })
  beforeEach(() => {
    setting.reset()
    if (how === 'with') return
    for (const { behave } of [setting.one, setting.two]) {
      behave.authorize.iss = false
      behave.metadata = ({ authorization_response_iss_parameter_supported, ...others }) => others
    }
  })
  afterAll(() => setting.close())

  const at = (path: string) => setting.app.url + path

  /** Goes to a provider and comes back as far as the address of the callback. */
  async function begin(browser: UserAgent, id: 'one' | 'two'): Promise<URL> {
    const start = await browser.navigate(at(`/login/${id}?returnTo=/which`), { follow: false })
    const answer = await browser.navigate(start.headers.location ?? '', { follow: false })
    return new URL(answer.headers.location ?? '')
  }

  async function expectRefused(browser: UserAgent, url: URL): Promise<void> {
    const page = await browser.navigate(url.href)
    expect(page.status).toBe(400)
    expect(setting.one.requestsTo('token')).toEqual([])
    expect(setting.two.requestsTo('token')).toEqual([])
    expect(JSON.parse((await browser.navigate(at('/which'))).text)).toEqual({})
  }

  test('a response of one provider is refused at the callback of the other', async () => {
    for (const [from, to] of [
      ['one', 'two'],
      ['two', 'one'],
    ] as const) {
      const browser = setting.browser()
      const callback = await begin(browser, from)
      callback.pathname = `/callback/${to}`
      await expectRefused(browser, callback)
    }
  })

  test('an error of the other provider does not end the honest login', async () => {
    const browser = setting.browser()
    const honest = await begin(browser, 'one')
    const forged = new URL(at('/callback/two'))
    forged.search = new URLSearchParams({
      error: 'access_denied',
      state: honest.searchParams.get('state') ?? '',
      ...(how === 'with' && { iss: setting.two.issuer }),
    }).toString()
    await expectRefused(browser, forged)
    expect((await browser.navigate(honest.href)).status).toBe(200)
  })

  test('a login at the attacker that he forwards has an address that is not registered elsewhere', async () => {
    const browser = setting.browser()
    const start = await browser.navigate(at('/login/two?returnTo=/which'), { follow: false })
    const forwarded = new URL(start.headers.location ?? '').searchParams
    // The honest provider compares it with that of its own client (RFC 9700, 4.1.3)
    expect(forwarded.get('redirect_uri')).toBe(at('/callback/two'))
    const mixed = `${setting.one.issuer}/authorize?${forwarded}`
    expect((await browser.navigate(mixed)).text).toContain('unknown client_id')
  })

  test('one that he forwards with the honest address ends there', async () => {
    const browser = setting.browser()
    const start = await browser.navigate(at('/login/two?returnTo=/which'), { follow: false })
    const forwarded = new URL(start.headers.location ?? '')
    const mixed = new URL(`${setting.one.issuer}/authorize${forwarded.search}`)
    mixed.searchParams.set('client_id', 'app-at-one')
    mixed.searchParams.set('redirect_uri', at('/callback/one'))
    const answer = await browser.navigate(mixed.href, { follow: false })
    await expectRefused(browser, new URL(answer.headers.location ?? ''))
  })

  test('a code of the honest provider that is put into a login at the attacker is not sent to him', async () => {
    const stolen = (await begin(setting.browser(), 'one')).searchParams.get('code') ?? ''
    const browser = setting.browser()
    const callback = await begin(browser, 'two')
    callback.searchParams.set('code', stolen)
    callback.searchParams.set('iss', setting.one.issuer)
    await expectRefused(browser, callback)
  })

  test('a stolen code that is put into a login of the same provider is not redeemed', async () => {
    const stolen = (await begin(setting.browser(), 'one')).searchParams.get('code') ?? ''
    const browser = setting.browser()
    const callback = await begin(browser, 'one')
    callback.searchParams.set('code', stolen)
    const page = await browser.navigate(callback.href, { follow: false })
    // PKCE: the provider refuses it, and one more login begins
    expect(page.headers.location).toContain(`${setting.one.issuer}/authorize`)
    expect(JSON.parse((await browser.navigate(at('/which'))).text)).toEqual({})
  })

  test('an ID Token of the other provider is refused, however it is signed', async () => {
    setting.two.behave.idToken = {
      claims: (claims) => ({ ...claims, iss: setting.one.issuer, aud: 'app-at-one' }),
    }
    const browser = setting.browser()
    const page = await browser.navigate(at('/login/two'))
    expect(page.status).toBe(502)
    expect(JSON.parse((await browser.navigate(at('/which'))).text)).toEqual({})
  })

  test('what a provider says of itself does not make it another one', async () => {
    const other = await startProviders(framework)
    try {
      other.two.behave.metadata = (metadata) => ({ ...metadata, issuer: other.one.issuer })
      const page = await other.browser().navigate(`${other.app.url}/login/two`)
      expect([502, 503]).toContain(page.status)
      expect(other.two.requestsTo('authorization')).toEqual([])
    } finally {
      await other.close()
    }
  })
})
