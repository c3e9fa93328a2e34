import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { frameworks } from '../support/frameworks.ts'
import { type Setting, startSetting } from '../support/setting.ts'

describe.each(frameworks)('with the provider away, an app on $name', (framework) => {
  let setting: Setting
  beforeEach(async () => {
    setting = await startSetting(framework)
  })
  afterEach(() => setting.close())

  test('starts and serves; a login is a 503 that says when to come again; back up, it works', async () => {
    const { provider, app } = setting
    await provider.pause()
    const browser = setting.browser()
    expect((await browser.navigate(`${app.url}/public`)).status).toBe(200)
    for (const path of ['/profile', '/login', '/start']) {
      const page = await browser.navigate(app.url + path)
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
    expect(browser.cookies(app.url).filter(({ key }) => !key.includes('login'))).toEqual([])
  })
})

describe('discovery', () => {
  let setting: Setting
  beforeEach(async () => {
    const { express5App } = await import('../support/apps/express.ts')
    setting = await startSetting(express5App, { http: { timeout: 0.5 } })
  })
  afterEach(() => setting.close())

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
      /within 0\.5 s/,
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

  test('is tried again, with more time between, while the provider answers 500', async () => {
    setting.provider.behave.discoveryStatus = 500
    expect((await setting.browser().navigate(`${setting.app.url}/profile`)).status).toBe(503)
    expect(setting.provider.requestsTo('discovery')).toHaveLength(3)
  })
})
