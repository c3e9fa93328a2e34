import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { mainFrameworks } from '../../support/frameworks.ts'
import { type Setting, secret, startSetting } from '../../support/setting.ts'
import type { UserAgent } from '../../support/user-agent.ts'

describe.each(mainFrameworks)('on $name', (framework) => {
  let setting: Setting
  beforeAll(async () => {
    setting = await startSetting(framework, {
      session: { secret, keep: ['accessToken', 'refreshToken'] },
    })
  })
  afterAll(() => setting.close())
  beforeEach(() => setting.reset())

  async function beginLogin(sub: string) {
    setting.provider.behave.sub = sub
    const browser = setting.browser()
    const start = await browser.navigate(`${setting.app.url}/profile`, { follow: false })
    const answer = await browser.navigate(start.headers.location ?? '', { follow: false })
    return { browser, callback: answer.headers.location ?? '' }
  }

  test("a callback of an attacker's login does not sign the victim in as the attacker", async () => {
    const attacker = await beginLogin('attacker')
    const victim = setting.browser()
    const page = await victim.navigate(attacker.callback, { from: 'https://attacker.example' })
    expect(page.status).toBe(400)
    const seen = await victim.navigate(`${setting.app.url}/public`)
    expect(JSON.parse(seen.text)).toEqual({ isAuthenticated: false })
  })

  test('a victim who is signed in stays who he is', async () => {
    const victim = await beginLogin('victim')
    await victim.browser.navigate(victim.callback)
    const attacker = await beginLogin('attacker')
    await victim.browser.navigate(attacker.callback, {
      from: 'https://attacker.example',
      follow: false,
    })
    const seen = await victim.browser.navigate(`${setting.app.url}/public`)
    expect(JSON.parse(seen.text).sub).toBe('victim')
  })

  test("a login's cookie under the name of another login is not that login", async () => {
    const first = await beginLogin('victim')
    const second = await beginLogin('attacker')
    const [cookie] = second.browser.cookies(setting.app.url)
    const [name] = first.browser.cookies(setting.app.url).map(({ key }) => key)
    const browser = setting.browser()
    browser.setCookie(setting.app.url, `${name}=${cookie?.value}; Path=/`)
    expect((await browser.navigate(first.callback)).status).toBe(400)
  })

  test('a login makes a session of its own, whatever session was planted before', async () => {
    const attacker = await beginLogin('attacker')
    await attacker.browser.navigate(attacker.callback)
    const planted = attacker.browser
      .cookies(setting.app.url)
      .find(({ key }) => !key.includes('login'))
    const plant = (browser: UserAgent) =>
      browser.setCookie(setting.app.url, `${planted?.key}=${planted?.value}; Path=/`)
    const whoIs = async (browser: UserAgent) =>
      JSON.parse((await browser.navigate(`${setting.app.url}/public`)).text).sub
    const victim = setting.browser()
    plant(victim)
    expect(await whoIs(victim)).toBe('attacker')
    setting.provider.behave.sub = 'victim'
    await victim.navigate(`${setting.app.url}/login?returnTo=/public`)
    expect(await whoIs(victim)).toBe('victim')
    // What the attacker knows did not become the victim's session
    const thief = setting.browser()
    plant(thief)
    expect(await whoIs(thief)).toBe('attacker')
    expect(await whoIs(attacker.browser)).toBe('attacker')
  })

  test('nor does it share a refresh with a planted session, even where both hold one refresh token', async () => {
    // The requests of one session share a refresh: whoever had its id would be given its new tokens
    setting.provider.behave.tokens = (tokens) => ({ ...tokens, refresh_token: 'the same for all' })
    const attacker = await beginLogin('attacker')
    await attacker.browser.navigate(attacker.callback)
    const victim = attacker.browser.clone()
    setting.provider.behave.sub = 'victim'
    await victim.navigate(`${setting.app.url}/login?returnTo=/public`)
    let count = 0
    const refresh = async (browser: UserAgent) => {
      const body = JSON.stringify({ access_token: `new-${++count}`, token_type: 'Bearer' })
      setting.provider.behave.raw.token = { body }
      return JSON.parse((await browser.navigate(`${setting.app.url}/refresh`)).text).accessToken
    }
    const again = attacker.browser.clone()
    expect(await refresh(attacker.browser)).toBe('new-1')
    expect(await refresh(again)).toBe('new-1')
    expect(await refresh(victim)).toBe('new-3')
  })
})
