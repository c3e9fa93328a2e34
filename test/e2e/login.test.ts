import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { frameworks } from '../support/frameworks.ts'
import { type Setting, startSetting } from '../support/setting.ts'

describe.each(frameworks)('a login on $name', (framework) => {
  let setting: Setting
  beforeAll(async () => {
    setting = await startSetting(framework)
  })
  afterAll(() => setting.close())
  beforeEach(() => setting.reset())

  test('brings the End-User back to the page that asked for it', async () => {
    const browser = setting.browser()
    const page = await browser.navigate(`${setting.app.url}/profile?a=b`)
    expect(page.status).toBe(200)
    expect(page.url).toBe(`${setting.app.url}/profile?a=b`)
    expect(JSON.parse(page.text)).toMatchObject({ sub: expect.any(String) })
    expect(page.history.map(({ status }) => status)).toEqual([303, 303, 303, 200])
  })
})
