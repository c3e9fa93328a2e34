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

  test('a response of another provider is refused before its code or its error is touched', async () => {
    for (const change of [
      (query: URLSearchParams) => query.set('iss', 'https://attacker.example'),
      (query: URLSearchParams) => query.set('iss', `${setting.provider.issuer}/`),
      (query: URLSearchParams) => query.append('iss', 'https://attacker.example'),
    ]) {
      const { browser, callback } = await atProvider()
      change(callback.searchParams)
      const page = await browser.navigate(callback.href)
      expect(page.status).toBe(400)
      expect(page.text).not.toContain('attacker.example')
    }
    expect(setting.provider.requestsTo('token')).toEqual([])
  })

  test('an attacker cannot spoil the honest login by sending a wrong response first', async () => {
    const { browser, callback } = await atProvider()
    const wrong = new URL(callback)
    wrong.searchParams.set('iss', 'https://attacker.example')
    expect((await browser.navigate(wrong.href)).status).toBe(400)
    expect((await browser.navigate(callback.href)).status).toBe(200)
  })
})
