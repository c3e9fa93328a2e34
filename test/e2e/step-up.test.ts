import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { frameworks } from '../support/frameworks.ts'
import { type Setting, startSetting } from '../support/setting.ts'

describe.each(frameworks)('a guard on $name', (framework) => {
  let setting: Setting
  beforeAll(async () => {
    setting = await startSetting(framework)
  })
  afterAll(() => setting.close())
  beforeEach(() => setting.reset())

  const now = () => Math.floor(Date.now() / 1000)
  const lastRequest = () => setting.provider.requestsTo('authorization').at(-1)?.query

  async function signedIn() {
    const browser = setting.browser()
    await browser.navigate(`${setting.app.url}/profile`)
    return browser
  }

  test('steps a sign-in up to the "acr" it wants', async () => {
    const browser = await signedIn()
    setting.provider.behave.acr = 'strong'
    const page = await browser.navigate(`${setting.app.url}/strong`)
    expect([page.status, page.text]).toEqual([200, 'ok'])
    expect(lastRequest()?.get('acr_values')).toBe('strong')
    // And is content with it from then on
    const again = await browser.navigate(`${setting.app.url}/strong`)
    expect(again.history).toHaveLength(1)
  })

  test('does not loop when the provider does not deliver the "acr"', async () => {
    const browser = await signedIn()
    setting.provider.behave.acr = 'weak'
    const page = await browser.navigate(`${setting.app.url}/strong`)
    expect(page.status).toBe(403)
    expect(setting.told('login.failed')[0]?.error.code).toBe('ERR_STEP_UP')
    // The weaker session is as it was
    expect((await browser.navigate(`${setting.app.url}/profile`)).status).toBe(200)
  })

  test('does not loop when the provider refuses every code of a step-up', async () => {
    const browser = await signedIn()
    setting.provider.behave.tokenError = { error: 'invalid_grant' }
    const page = await browser.navigate(`${setting.app.url}/strong`)
    expect(page.status).toBe(502)
    // Tried once more, with the same demand
    expect(lastRequest()?.get('acr_values')).toBe('strong')
    expect(setting.provider.requestsTo('token')).toHaveLength(3)
  })

  test('does not take "acr_values" off a request for a sign-in', async () => {
    // An End-User can change what the front channel carries; what comes back is what counts
    setting.provider.behave.acr = false
    const page = await (await signedIn()).navigate(`${setting.app.url}/strong`)
    expect(page.status).toBe(403)
  })

  test('wants a new sign-in with "maxAge" 0, once', async () => {
    setting.provider.behave.authTime = now() - 3600
    const browser = await signedIn()
    setting.provider.behave.authTime = now()
    const page = await browser.navigate(`${setting.app.url}/fresh`)
    expect([page.status, page.text]).toEqual([200, 'ok'])
    expect(lastRequest()?.get('max_age')).toBe('0')
  })

  test('does not accept an old sign-in for "maxAge" 0', async () => {
    setting.provider.behave.authTime = now() - 3600
    const browser = await signedIn()
    const page = await browser.navigate(`${setting.app.url}/fresh`)
    expect(page.status).toBe(502)
    expect(setting.told('login.failed')[0]?.error).toMatchObject({ code: 'ERR_ID_TOKEN_CLAIM' })
  })

  test('does not accept a sign-in of unknown age for "maxAge" 0', async () => {
    setting.provider.behave.authTime = now() - 3600
    const browser = await signedIn()
    setting.provider.behave.idToken = { claims: (honest) => ({ ...honest, auth_time: undefined }) }
    const page = await browser.navigate(`${setting.app.url}/fresh`)
    expect(page.status).toBe(502)
  })

  test('asks for another method where "amr" lacks one', async () => {
    const browser = await signedIn()
    setting.provider.behave.amr = ['pwd', 'otp']
    const page = await browser.navigate(`${setting.app.url}/otp`)
    expect(page.status).toBe(200)
    expect(lastRequest()?.get('prompt')).toBe('login')
    setting.provider.behave.amr = ['pwd']
    const refused = await (await signedIn()).navigate(`${setting.app.url}/otp`)
    expect(refused.status).toBe(403)
  })

  test('answers 403 where a claim is missing, and sends nobody away', async () => {
    const browser = await signedIn()
    const count = setting.provider.requestsTo('authorization').length
    const page = await browser.navigate(`${setting.app.url}/admin`)
    expect(page.status).toBe(403)
    expect(page.headers['content-type']).toContain('text/html')
    const program = await browser.fetch(`${setting.app.url}/admin`)
    expect(program.status).toBe(403)
    expect(JSON.parse(program.text)).toMatchObject({ code: 'ERR_FORBIDDEN' })
    expect(setting.provider.requestsTo('authorization')).toHaveLength(count)
  })

  test.each([['admin'], [['user', 'admin']]])('lets the claim %j pass', async (role) => {
    setting.provider.behave.claims = { role }
    const page = await (await signedIn()).navigate(`${setting.app.url}/admin`)
    expect(page.status).toBe(200)
  })

  test('tells a program what would be enough, and starts no login', async () => {
    const browser = await signedIn()
    const strong = await browser.fetch(`${setting.app.url}/strong`)
    expect(strong.status).toBe(401)
    expect(strong.headers['www-authenticate']).toBe(
      'Cookie error="insufficient_user_authentication", acr_values="strong"',
    )
    expect(strong.setCookies).toEqual([])
  })
})
