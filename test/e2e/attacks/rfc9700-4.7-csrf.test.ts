import { afterAll, beforeAll, expect, test } from 'vitest'
import { express5App } from '../../support/apps/express.ts'
import { type Setting, startSetting } from '../../support/setting.ts'

let setting: Setting
beforeAll(async () => {
  setting = await startSetting(express5App)
})
afterAll(() => setting.close())

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
  const victim = setting.browser()
  victim.setCookie(setting.app.url, `${planted?.key}=${planted?.value}; Path=/`)
  setting.provider.behave.sub = 'victim'
  await victim.navigate(`${setting.app.url}/login?returnTo=/public`)
  const after = victim.cookies(setting.app.url).find(({ key }) => key === planted?.key)
  expect(after?.value).not.toBe(planted?.value)
  expect(JSON.parse((await victim.navigate(`${setting.app.url}/public`)).text).sub).toBe('victim')
  expect(JSON.parse((await attacker.browser.navigate(`${setting.app.url}/public`)).text).sub).toBe(
    'attacker',
  )
})
