import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { mainFrameworks } from '../../support/frameworks.ts'
import { type Setting, startSetting } from '../../support/setting.ts'

const targets = [
  'https://evil.example/',
  '//evil.example/',
  '/\\evil.example/',
  '/.//evil.example',
  '/%2F/evil.example',
  '/%5Cevil.example',
  '/\t/evil.example',
  'javascript:alert(1)',
  'https:evil.example',
  '/%0d%0aset-cookie:stolen=1',
]

describe.each(mainFrameworks)('on $name', (framework) => {
  let setting: Setting
  beforeAll(async () => {
    setting = await startSetting(framework)
  })
  afterAll(() => setting.close())

  test.each(targets)('returnTo=%j ends on our own origin', async (returnTo) => {
    for (const name of ['returnTo', 'target_link_uri']) {
      const query = new URLSearchParams({ [name]: returnTo })
      const page = await setting.browser().navigate(`${setting.app.url}/login?${query}`)
      const last = page.history.at(-2)
      expect(new URL(last?.location ?? '', setting.app.url).origin).toBe(setting.app.origin)
      expect(new URL(page.url).origin).toBe(setting.app.origin)
      expect(page.setCookies.join()).not.toContain('stolen')
    }
  })

  test('a path that looks like another host comes back as a path', async () => {
    const browser = setting.browser()
    // The request target itself, as a raw client may send it
    const page = await browser.navigate(`${setting.app.url}//evil.example/`, { follow: false })
    expect(page.headers.location ?? '').not.toContain('//evil.example')
  })

  test('request headers have no say in where anybody is sent', async () => {
    const headers = {
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
      forwarded: 'host=evil.example;proto=https',
      'x-original-url': 'https://evil.example/',
    }
    const page = await setting
      .browser()
      .navigate(`${setting.app.url}/profile`, { headers, follow: false })
    const location = new URL(page.headers.location ?? '')
    expect(location.origin).toBe(setting.provider.issuer)
    expect(location.searchParams.get('redirect_uri')).toBe(`${setting.app.url}/callback`)
    expect(page.headers.location).not.toContain('evil.example')
  })
})
