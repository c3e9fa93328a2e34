import { MemoryStore } from 'express-session'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { copyCookies } from '../contract/session-store.ts'
import { mainFrameworks } from '../support/frameworks.ts'
import { type Setting, secret, signIn, startAnotherApp, startSetting } from '../support/setting.ts'

/** Sixty claims, each of so many letters. */
const claims = (length: number) =>
  Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`claim_${n}`, 'x'.repeat(length)]))

describe.each(mainFrameworks)('sixty claims and all tokens on $name', (framework) => {
  const keep = ['idToken', 'accessToken', 'refreshToken'] as const
  let sealed: Setting
  let stored: Setting
  beforeAll(async () => {
    sealed = await startSetting(framework, { session: { secret, keep: [...keep] } })
    const store = new MemoryStore()
    stored = await startAnotherApp(framework, sealed, {
      session: { secret, keep: [...keep], store },
    })
  })
  afterAll(async () => {
    await stored.close()
    await sealed.close()
  })
  beforeEach(() => sealed.reset())

  test('fit into cookies, in chunks', async () => {
    const { app, provider } = sealed
    provider.behave.claims = claims(10)
    const browser = await signIn(sealed)
    expect(copyCookies(browser, app.url).split('; ').length).toBeGreaterThan(1)
    const page = await browser.navigate(`${app.url}/claims`)
    expect(JSON.parse(page.text)).toMatchObject(claims(10))
    expect((await browser.navigate(`${app.url}/token`)).status).toBe(200)
    expect((await browser.navigate(`${app.url}/refresh`)).status).toBe(200)
  })

  test('that are too large for cookies are one clear error, and set none', async () => {
    const { app, provider } = sealed
    provider.behave.claims = claims(100)
    const browser = sealed.browser()
    const page = await browser.navigate(`${app.url}/profile`)
    expect(page.status).toBe(500)
    expect(copyCookies(browser, app.url)).toBe('')
    const errors = sealed.told('login.failed').map(({ error }) => error)
    expect(errors).toMatchObject([
      { code: 'ERR_COOKIE_TOO_LARGE', message: expect.stringContaining('"session.keep"') },
    ])
  })

  test('take the place of ten chunks that an older session has left', async () => {
    const { app, provider } = sealed
    provider.behave.claims = claims(10)
    const [first = ''] = copyCookies(await signIn(sealed), app.url).split('=')
    const name = first.replace(/\.0$/, '')
    const browser = sealed.browser()
    for (let n = 0; n < 10; n++) {
      browser.setCookie(app.url, `${name}.${n}=${'x'.repeat(400)}; Path=/`)
    }
    expect((await browser.navigate(`${app.url}/profile`)).status).toBe(200)
    const kept = browser.cookies(app.url).filter(({ key }) => key.startsWith(`${name}.`))
    expect(kept.map(({ key }) => key).filter((key) => /\.[2-9]$/.test(key))).toEqual([])
    expect(kept.every(({ value }) => !value.startsWith('xxx'))).toBe(true)
  })

  test('fit into a store, however large they are', async () => {
    const { app } = stored
    sealed.provider.behave.claims = claims(1000)
    const browser = await signIn(stored)
    expect(copyCookies(browser, app.url).length).toBeLessThan(300)
    const page = await browser.navigate(`${app.url}/claims`)
    expect(JSON.parse(page.text)).toMatchObject(claims(1000))
  })
})
