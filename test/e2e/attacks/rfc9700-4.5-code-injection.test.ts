import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { mainFrameworks } from '../../support/frameworks.ts'
import { type Setting, startSetting } from '../../support/setting.ts'

describe.each(mainFrameworks)('on $name', (framework) => {
  let setting: Setting
  beforeAll(async () => {
    setting = await startSetting(framework)
  })
  afterAll(() => setting.close())

  async function atProvider() {
    const browser = setting.browser()
    const start = await browser.navigate(`${setting.app.url}/profile`, { follow: false })
    const answer = await browser.navigate(start.headers.location ?? '', { follow: false })
    return { browser, callback: new URL(answer.headers.location ?? '') }
  }

  test("a victim's code in an attacker's login is of no use: PKCE binds it to the victim's browser", async () => {
    setting.provider.behave.sub = 'victim'
    const victim = await atProvider()
    setting.provider.behave.sub = 'attacker'
    const attacker = await atProvider()
    attacker.callback.searchParams.set('code', victim.callback.searchParams.get('code') ?? '')
    await attacker.browser.navigate(attacker.callback.href, { follow: false })
    const page = await attacker.browser.navigate(`${setting.app.url}/public`)
    expect(JSON.parse(page.text).sub).not.toBe('victim')
  })

  test('a code is not accepted a second time in another browser', async () => {
    const { browser, callback } = await atProvider()
    expect((await browser.navigate(callback.href)).status).toBe(200)
    const thief = setting.browser()
    expect((await thief.navigate(callback.href)).status).toBe(400)
    expect(JSON.parse((await thief.navigate(`${setting.app.url}/public`)).text)).toEqual({
      isAuthenticated: false,
    })
  })
})
