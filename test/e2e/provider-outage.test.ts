import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { frameworks, mainFrameworks } from '../support/frameworks.ts'
import { type Setting, startAnotherApp, startSetting } from '../support/setting.ts'

describe.each(frameworks)('with the provider away, an app on $name', (framework) => {
  let base: Setting
  beforeAll(async () => {
    base = await startSetting(framework)
  })
  afterAll(() => base.close())

  /** An app that does not know the provider yet. */
  let setting: Setting
  beforeEach(async () => {
    setting = await startAnotherApp(framework, base)
    await setting.provider.resume()
  })
  afterEach(() => setting.close())

  test('starts and serves; a login is a 503 that says when to come again; back up, it works', async () => {
    const { provider, app } = setting
    await provider.pause()
    const browser = setting.browser()
    expect((await browser.navigate(`${app.url}/public`)).status).toBe(200)
    const paths = ['/profile', '/login', '/start']
    // At once, for they all wait for the same attempts to reach the provider
    for (const page of await Promise.all(paths.map((path) => browser.navigate(app.url + path)))) {
      expect(page.status).toBe(503)
      expect(page.headers['retry-after']).toBe('10')
      expect(page.headers['content-type']).toContain('text/html')
    }
    expect(setting.told('login.failed')[0]?.error.message).toContain(
      `${provider.issuer}/.well-known/openid-configuration cannot be reached`,
    )
    await provider.resume()
    expect((await browser.navigate(`${app.url}/profile`)).status).toBe(200)
  })

  test('keeps its sessions, and signs out', async () => {
    const { provider, app } = setting
    const browser = setting.browser()
    await browser.navigate(`${app.url}/profile`)
    await provider.pause()
    expect((await browser.navigate(`${app.url}/profile`)).status).toBe(200)
    const out = await browser.post(`${app.url}/logout`, {}, { follow: false })
    expect(out.status).toBe(303)
    expect(browser.cookies(app.url).filter(({ key }) => !/\.(?:login|out)/.test(key))).toEqual([])
  })
})

describe.each(mainFrameworks)('on $name, discovery', (framework) => {
  let base: Setting
  beforeAll(async () => {
    base = await startSetting(framework)
  })
  afterAll(() => base.close())

  /** An app that does not know the provider yet. */
  let setting: Setting
  beforeEach(async () => {
    setting = await startAnotherApp(framework, base, { http: { timeout: 2 } })
    setting.reset()
  })
  afterEach(async () => {
    vi.useRealTimers()
    await setting.close()
  })

  type Behave = Setting['provider']['behave']
  const metadata = (change: Record<string, unknown>) => (behave: Behave) => {
    behave.metadata = (honest) => ({ ...honest, ...change })
  }
  const faults: [string, (behave: Behave, issuer: string) => void, number, string, RegExp][] = [
    [
      'of another issuer',
      metadata({ issuer: 'https://evil.example' }),
      502,
      'ERR_DISCOVERY',
      /set the issuer to exactly "https:\/\/evil\.example"/,
    ],
    [
      'of the issuer with a slash more',
      (behave, issuer) => metadata({ issuer: `${issuer}/` })(behave),
      502,
      'ERR_DISCOVERY',
      /differ from character \d+/,
    ],
    ['without an issuer', metadata({ issuer: undefined }), 503, 'ERR_DISCOVERY', /well-known/],
    [
      'without a token endpoint',
      metadata({ token_endpoint: undefined }),
      503,
      'ERR_DISCOVERY',
      /"token_endpoint"/,
    ],
    ['without keys', metadata({ jwks_uri: undefined }), 503, 'ERR_DISCOVERY', /"jwks_uri"/],
    [
      'with a script for an endpoint',
      metadata({ authorization_endpoint: 'javascript:alert(1)' }),
      503,
      'ERR_DISCOVERY',
      /"authorization_endpoint"/,
    ],
    [
      'with an endpoint on plain http elsewhere',
      metadata({ authorization_endpoint: 'http://evil.example/' }),
      503,
      'ERR_DISCOVERY',
      /"authorization_endpoint"/,
    ],
    [
      'that is HTML',
      (behave) => {
        behave.discoveryBody = '<html>a captive portal</html>'
      },
      503,
      'ERR_DISCOVERY',
      /content type "text\/html/,
    ],
    [
      'that is broken JSON',
      (behave) => {
        behave.discoveryBody = '{"issuer":'
      },
      503,
      'ERR_DISCOVERY',
      /well-known/,
    ],
    [
      'that is not found',
      (behave) => {
        behave.discoveryStatus = 404
      },
      503,
      'ERR_DISCOVERY',
      /status 404/,
    ],
    [
      'of 2 MB',
      (behave) => {
        behave.discoveryBody = `{"x":"${'x'.repeat(2_000_000)}"}`
      },
      502,
      'ERR_PROVIDER_RESPONSE',
      /more than 1024 kB/,
    ],
    [
      'that redirects',
      (behave) => {
        behave.redirect.discovery = 'http://127.0.0.1:1/'
      },
      502,
      'ERR_PROVIDER_RESPONSE',
      /redirects are not followed/,
    ],
    [
      'that hangs',
      (behave) => {
        behave.hang.discovery = true
      },
      503,
      'ERR_PROVIDER_TIMEOUT',
      /within 2 s/,
    ],
  ]

  test.each(faults)(
    '%s ends at a page, sends nobody anywhere, and is not remembered',
    async (_name, misbehave, status, code, message) => {
      const { provider, app } = setting
      misbehave(provider.behave, provider.issuer)
      const browser = setting.browser()
      const page = await browser.navigate(`${app.url}/profile`)
      const error = setting.told('login.failed').at(-1)?.error
      expect(error?.code).toBe(code)
      expect(error?.message).toMatch(message)
      expect(page.status).toBe(status)
      expect(provider.requestsTo('authorization')).toEqual([])
      expect(browser.cookies(app.url)).toEqual([])
      setting.reset()
      expect((await browser.navigate(`${app.url}/profile`)).status).toBe(200)
    },
  )

  test('is asked for once by many logins at once', async () => {
    const pages = await Promise.all(
      Array.from({ length: 8 }, () => setting.browser().navigate(`${setting.app.url}/profile`)),
    )
    expect(pages.map(({ status }) => status)).toEqual(Array(8).fill(200))
    expect(setting.provider.requestsTo('discovery')).toHaveLength(1)
    expect(setting.provider.requestsTo('jwks')).toHaveLength(1)
  })

  const signIn = async () => (await setting.browser().navigate(`${setting.app.url}/profile`)).status
  const attempts = () => setting.provider.requestsTo('discovery')

  test('is tried again, with more time between, while the provider answers 500', async () => {
    setting.provider.behave.discoveryStatus = 500
    expect(await signIn()).toBe(503)
    const [first = 0, second = 0, third = 0, ...more] = attempts().map(({ time }) => time)
    expect(more).toEqual([])
    // A timer may be a millisecond early
    expect(second - first).toBeGreaterThan(95)
    expect(third - second).toBeGreaterThan(395)
    // Nothing is known to go on with, so the next login does not wait
    setting.reset()
    expect(await signIn()).toBe(200)
    expect(attempts()).toHaveLength(1)
  })

  test('that cannot be renewed is used as it was, and is renewed after a minute, not before', async () => {
    expect(await signIn()).toBe(200)
    expect(attempts()).toHaveLength(1)
    const at = (seconds: number) => vi.setSystemTime(startedAt + seconds * 1000)
    const startedAt = Date.now()
    at(3590)
    expect(await signIn()).toBe(200)
    expect(attempts()).toHaveLength(1)

    at(3601)
    setting.provider.behave.discoveryStatus = 500
    expect(await signIn()).toBe(200)
    await vi.waitFor(() => expect(setting.told('discovery.failed')).toHaveLength(1), 15_000)
    expect(setting.told('discovery.failed')[0]).toMatchObject({ stale: true })
    expect(attempts()).toHaveLength(4)

    setting.provider.reset()
    at(3601 + 55)
    expect(await signIn()).toBe(200)
    expect(attempts()).toEqual([])
    at(3601 + 65)
    expect(await signIn()).toBe(200)
    await vi.waitFor(() => expect(setting.told('discovery.succeeded')).toHaveLength(2), 15_000)
    expect(attempts()).toHaveLength(1)
  })
})
