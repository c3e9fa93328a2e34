import type { OidcError } from '@countersign/core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { frameworks, mainFrameworks } from '../support/frameworks.ts'
import { type Setting, startSetting } from '../support/setting.ts'
import type { UserAgent } from '../support/user-agent.ts'

describe.each(frameworks)('a callback on $name', (framework) => {
  let setting: Setting
  /** What the hook was last called with: it has more fields than an event. */
  let refused: OidcError | undefined
  beforeAll(async () => {
    setting = await startSetting(framework, {
      onError(error) {
        refused = error
        return undefined
      },
    })
  })
  afterAll(() => setting.close())
  beforeEach(() => setting.reset())
  afterEach(() => void vi.useRealTimers())

  async function comeBack(browser: UserAgent, change: (query: URLSearchParams) => void = () => {}) {
    const start = await browser.navigate(`${setting.app.url}/profile`, { follow: false })
    const answer = await browser.navigate(start.headers.location ?? '', { follow: false })
    const url = new URL(answer.headers.location ?? '')
    change(url.searchParams)
    return url.href
  }

  const lastError = () => setting.told('login.failed').at(-1)?.error

  const faults: [string, (query: URLSearchParams) => void, number, string][] = [
    ['without state', (query) => query.delete('state'), 400, 'ERR_STATE'],
    [
      'with another state',
      (query) => query.set('state', 'f'.repeat(32)),
      400,
      'ERR_TRANSACTION_MISSING',
    ],
    [
      'with a state that is none of ours',
      (query) => query.set('state', '__proto__'),
      400,
      'ERR_STATE',
    ],
    ['with two states', (query) => query.append('state', 'x'), 400, 'ERR_STATE'],
    ['with two codes', (query) => query.append('code', 'x'), 400, 'ERR_STATE'],
    [
      'with another issuer',
      (query) => query.set('iss', 'https://evil.example'),
      400,
      'ERR_ISS_MISMATCH',
    ],
    [
      'without the issuer that is announced',
      (query) => query.delete('iss'),
      400,
      'ERR_ISS_MISMATCH',
    ],
    ['without a code', (query) => query.delete('code'), 502, 'ERR_TOKEN_RESPONSE'],
    [
      'with an error from another issuer',
      (query) => {
        query.delete('code')
        query.set('error', 'access_denied')
        query.set('iss', 'https://evil.example')
      },
      400,
      'ERR_ISS_MISMATCH',
    ],
  ]

  test.each(faults)(
    '%s is refused, and the next login works',
    async (_name, change, status, code) => {
      const browser = setting.browser()
      const page = await browser.navigate(await comeBack(browser, change))
      expect(page.status).toBe(status)
      expect(lastError()?.code).toBe(code)
      expect(setting.provider.requestsTo('token')).toEqual([])
      expect((await browser.navigate(`${setting.app.url}/profile`)).status).toBe(200)
    },
  )

  test('in a browser that did not start it names the missing cookie and the likely cause', async () => {
    const callback = await comeBack(setting.browser())
    const page = await setting.browser().navigate(callback)
    expect(page.status).toBe(400)
    expect(page.text).toMatch(/oidc-[0-9a-f]{6}\.login-[0-9a-f]{32}/)
    expect(page.text).toContain('cookies are blocked')
    expect(page.text).toContain(`href="${setting.app.url}/login"`)
    expect(page.headers['content-security-policy']).toContain("default-src 'none'")
  })

  test('at another host than "baseUrl" says so', async () => {
    const browser = setting.browser()
    const callback = new URL(await comeBack(browser))
    callback.hostname = '127.0.0.1'
    const page = await browser.navigate(callback.href)
    expect(page.status).toBe(400)
    expect(lastError()?.message).toContain(`came to "${callback.host}"`)
  })

  test('without its login, of a browser that is signed in, goes on', async () => {
    const browser = setting.browser()
    await browser.navigate(`${setting.app.url}/profile`)
    const page = await browser.navigate(
      `${setting.app.url}/callback?code=x&state=${'0'.repeat(32)}`,
      {
        follow: false,
      },
    )
    expect([page.status, page.headers.location]).toEqual([303, '/'])
    const bare = await browser.navigate(`${setting.app.url}/callback`, { follow: false })
    expect([bare.status, bare.headers.location]).toEqual([303, '/'])
  })

  test('with a cookie that none of our secrets opens says so', async () => {
    const browser = setting.browser()
    const callback = await comeBack(browser)
    const name = browser.cookies(setting.app.url)[0]?.key ?? ''
    browser.setCookie(setting.app.url, `${name}=not-readable; Path=/`)
    expect((await browser.navigate(callback)).status).toBe(400)
    expect(lastError()?.message).toContain('sealed with another secret')
  })

  // The browser drops the cookie after ten minutes; one that does not, or an attacker, still has it
  test.each([
    [599, 200],
    [601, 400],
  ])('that comes %i s after its login began, cookie and all, is a %i', async (seconds, status) => {
    const begun = Date.now()
    vi.setSystemTime(begun)
    const browser = setting.browser()
    const callback = await comeBack(browser)
    const [cookie] = browser.cookies(setting.app.url)
    const keeper = setting.browser()
    keeper.setCookie(setting.app.url, `${cookie?.key}=${cookie?.value}; Path=/`)
    vi.setSystemTime(begun + seconds * 1000)
    const page = await keeper.navigate(callback)
    expect(page.status).toBe(status)
    const isInTime = status === 200
    expect(setting.provider.requestsTo('token')).toHaveLength(isInTime ? 1 : 0)
    expect(lastError()?.code).toBe(isInTime ? undefined : 'ERR_TRANSACTION_MISSING')
    if (!isInTime) expect(refused).toMatchObject({ code: lastError()?.code, reason: 'expired' })
  })

  test('that comes when the browser has dropped the cookie says how long a login may take', async () => {
    const browser = setting.browser()
    const callback = await comeBack(browser)
    expect(browser.cookies(setting.app.url)).toHaveLength(1)
    browser.setCookie(setting.app.url, 'other=1; Path=/')
    vi.setSystemTime(Date.now() + 601_000)
    expect((await browser.navigate(callback)).status).toBe(400)
    expect(refused).toMatchObject({ code: 'ERR_TRANSACTION_MISSING', reason: 'missing' })
    expect(refused?.message).toContain('took longer than ten minutes')
    expect(setting.provider.requestsTo('token')).toEqual([])
  })

  const answers: [string, number][] = [
    ['access_denied', 403],
    ['login_required', 401],
    ['consent_required', 401],
    ['interaction_required', 401],
    ['temporarily_unavailable', 503],
    ['server_error', 502],
    ['invalid_request', 403],
  ]

  test.each(answers)(
    'with the error %s is a page with status %i, and nothing of it is markup',
    async (error, status) => {
      setting.provider.behave.authorize = {
        error: { error, error_description: '<img src=x onerror=alert(1)>' },
      }
      const page = await setting.browser().navigate(`${setting.app.url}/profile`)
      expect(page.status).toBe(status)
      expect(page.text).not.toContain('<img')
      expect(lastError()).toMatchObject({ code: 'ERR_AUTHENTICATION_RESPONSE' })
      expect(page.text).toContain('Try again')
      expect(setting.provider.requestsTo('token')).toEqual([])
    },
  )

  test('answered to a program is problem+json', async () => {
    const page = await setting.browser().fetch(`${setting.app.url}/callback?state=x`, {
      headers: { accept: 'application/json' },
    })
    expect(page.status).toBe(400)
    expect(page.headers['content-type']).toBe('application/problem+json')
    expect(JSON.parse(page.text)).toEqual({
      status: 400,
      title: 'This sign-in cannot be continued',
      detail: expect.any(String),
      code: 'ERR_STATE',
      reference: expect.stringMatching(/^[0-9a-f]{12}$/),
    })
  })

  test('posted as a form works, and as anything else is a clear 4xx', async () => {
    const browser = setting.browser()
    const url = new URL(await comeBack(browser))
    const posted = await browser.post(`${setting.app.url}/callback`, url.searchParams)
    expect(posted.status).toBe(200)
    const send = (type: string, body: string) =>
      browser.fetch(`${setting.app.url}/callback`, {
        method: 'POST',
        body,
        follow: false,
        headers: { 'content-type': type },
      })
    expect((await send('text/plain', 'code=x')).status).toBe(415)
    expect((await send('multipart/form-data', 'x')).status).toBe(415)
    const form = 'application/x-www-form-urlencoded'
    expect((await send(form, '')).status).toBe(303)
    expect((await send(form, `code=${'x'.repeat(80_000)}`)).status).toBe(413)
    expect((await browser.navigate(`${setting.app.url}/profile`)).status).toBe(200)
  })
})

describe.each(mainFrameworks)('on $name, a token endpoint that', (framework) => {
  let setting: Setting
  beforeAll(async () => {
    setting = await startSetting(framework)
  })
  afterAll(() => setting.close())
  beforeEach(() => setting.reset())

  type Behave = Setting['provider']['behave']
  const failures: [string, (behave: Behave) => void, number, string][] = [
    [
      'does not know the client',
      (behave) => {
        behave.tokenError = { error: 'invalid_client', error_description: 'bad key' }
      },
      502,
      'ERR_TOKEN_RESPONSE',
    ],
    [
      'answers with HTML',
      (behave) => {
        behave.raw.token = { body: '<html>login</html>' }
      },
      502,
      'ERR_TOKEN_RESPONSE',
    ],
    [
      'answers with broken JSON',
      (behave) => {
        behave.raw.token = { body: '{"access_token": "eyJsecret' }
      },
      502,
      'ERR_TOKEN_RESPONSE',
    ],
    [
      'answers with nothing',
      (behave) => {
        behave.raw.token = { body: '' }
      },
      502,
      'ERR_TOKEN_RESPONSE',
    ],
    [
      'answers with 2 MB',
      (behave) => {
        behave.raw.token = { body: `{"x":"${'x'.repeat(2_000_000)}"}` }
      },
      502,
      'ERR_PROVIDER_RESPONSE',
    ],
    [
      'redirects',
      (behave) => {
        behave.redirect.token = 'http://127.0.0.1:1/'
      },
      502,
      'ERR_PROVIDER_RESPONSE',
    ],
    [
      'is down',
      (behave) => {
        behave.raw.token = { status: 503, body: 'down' }
      },
      503,
      'ERR_PROVIDER_UNAVAILABLE',
    ],
    [
      'hangs',
      (behave) => {
        behave.hang.token = true
      },
      503,
      'ERR_PROVIDER_TIMEOUT',
    ],
    [
      'drops the connection',
      (behave) => {
        behave.drop.token = true
      },
      503,
      'ERR_PROVIDER_UNAVAILABLE',
    ],
    [
      'gives no access token',
      (behave) => {
        behave.tokens = (tokens) => ({ ...tokens, access_token: undefined })
      },
      502,
      'ERR_TOKEN_RESPONSE',
    ],
    [
      'gives tokens of another type',
      (behave) => {
        behave.tokens = (tokens) => ({ ...tokens, token_type: 'mac' })
      },
      502,
      'ERR_TOKEN_RESPONSE',
    ],
  ]

  test.each(failures)(
    '%s ends at a page, names the URL, and the next login works',
    async (_name, misbehave, status, code) => {
      misbehave(setting.provider.behave)
      const browser = setting.browser()
      const page = await browser.navigate(`${setting.app.url}/profile`)
      const error = setting.told('login.failed').at(-1)?.error
      expect(error?.code).toBe(code)
      expect(page.status).toBe(status)
      expect(error?.message).toContain(`${setting.provider.issuer}/token`)
      expect(JSON.stringify(setting.events)).not.toMatch(/\beyJ[\w-]{5}/)
      if (status === 503) expect(page.headers['retry-after']).toBe('10')
      setting.reset()
      expect((await browser.navigate(`${setting.app.url}/profile`)).status).toBe(200)
    },
  )

  test('leaves out "expires_in", or writes "bEARER", is understood', async () => {
    setting.provider.behave.tokens = (tokens) => ({
      ...tokens,
      expires_in: undefined,
      token_type: 'bEARER',
    })
    expect((await setting.browser().navigate(`${setting.app.url}/profile`)).status).toBe(200)
  })

  test('was down is reached again by reloading the callback', async () => {
    const browser = setting.browser()
    setting.provider.behave.raw.token = { status: 503, body: 'down' }
    const failed = await browser.navigate(`${setting.app.url}/profile`)
    expect(failed.status).toBe(503)
    setting.reset()
    expect((await browser.navigate(failed.url)).status).toBe(200)
  })
})
