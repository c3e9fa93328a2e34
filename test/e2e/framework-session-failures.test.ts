import { createRelyingParty, type RelyingParty } from '@countersign/core'
import { MemoryStore } from 'express-session'
import { afterEach, describe, expect, test } from 'vitest'
import { sessionFrameworks } from '../support/apps/framework-sessions.ts'
import { countWaiting, letGo } from '../support/apps/session-pages.ts'
import { type Setting, secret, signIn, startAnotherApp, startSetting } from '../support/setting.ts'
import type { UserAgent } from '../support/user-agent.ts'

const session = { secret, store: 'framework' } as const
const settings: Setting[] = []
afterEach(async () => {
  for (const setting of settings.splice(0).reverse()) await setting.close()
})

async function start(...[framework, options, ...rest]: Parameters<typeof startSetting>) {
  const setting = await startSetting(framework, { session, ...options }, ...rest)
  settings.push(setting)
  return setting
}

async function get(setting: Setting, browser: UserAgent, path: string) {
  const { status, text } = await browser.navigate(setting.app.url + path)
  return { status, ...JSON.parse(text) }
}

describe.each(sessionFrameworks)('$name', ({ name, create, cookie, hasStore }) => {
  test('that comes after oidc() is a clear error for who needs it, and for nobody else', async () => {
    const setting = await start(create({ isMisplaced: true }))
    const browser = setting.browser()
    expect((await get(setting, browser, '/untouched')).status).toBe(200)
    // Fastify runs its hooks before all routes, also ours: there it works in any order
    const last = await browser.navigate(`${setting.app.url}/login?returnTo=/public`)
    if (name.includes('Fastify')) expect(JSON.parse(last.text).sub).toEqual(expect.any(String))
    else {
      expect(last.status).toBe(500)
      const [failed] = setting.told('login.failed')
      expect(failed?.error.code).toBe('ERR_CONFIGURATION')
      expect(failed?.error.message).toMatch(/session\.store.*must come before oidc\(\)/s)
    }
  })

  test('that comes after oidc(), where ends are noted, is an error for who needs it', async () => {
    const setting = await start(create({ isMisplaced: true }), {
      logout: { store: new MemoryStore() },
    })
    const browser = setting.browser()
    expect((await get(setting, browser, '/untouched')).status).toBe(200)
    expect(await get(setting, browser, '/public')).toMatchObject({
      status: 500,
      code: 'ERR_CONFIGURATION',
    })
  })

  test('ends on the next request when its end was noted', async () => {
    const logout = { store: new MemoryStore() }
    const { relyingParty, framework } = tap(create())
    const setting = await start(framework, { logout })
    const browser = await signIn(setting)
    const { sub } = await get(setting, browser, '/public')
    expect(sub).toEqual(expect.any(String))
    await relyingParty().sessions.endAll(sub)
    expect((await get(setting, browser, '/public')).sub).toBeNull()
    if (hasStore) expect((await get(setting, browser, '/public')).cart).toBeUndefined()
  })

  test('signed with a secret that was removed, or garbage, is nobody', async () => {
    const store = new MemoryStore()
    const setting = await start(create({ store }), {
      session: { ...session, cookie: { name: 'in' } },
    })
    const browser = await signIn(setting)
    const other = await startAnotherApp(create({ store }), setting, {
      session: { ...session, secret: `${secret}, a new one`, cookie: { name: 'in' } },
    })
    settings.push(other)
    expect(await get(other, browser, '/public')).toEqual({ status: 200, sub: null })
    expect(other.told('session.unreadable')).toEqual([{ type: 'session.unreadable', cookie: 'in' }])
    expect((await browser.navigate(`${other.app.url}/profile`)).status).toBe(200)
  })

  test('too large for a cookie is one clear error, and the session stays as it was', async () => {
    if (hasStore) return
    const setting = await start(create())
    const browser = setting.browser()
    await get(setting, browser, '/add')
    const before = browser.cookies(setting.app.url).find(({ key }) => key === cookie)?.value
    setting.provider.behave.claims = { story: 'x'.repeat(3000) }
    const page = await browser.navigate(`${setting.app.url}/profile`)
    expect(page.status).toBe(500)
    expect(setting.told('login.failed')[0]?.error).toMatchObject({ code: 'ERR_COOKIE_TOO_LARGE' })
    expect(page.setCookies.find((line) => line.startsWith(`${cookie}=`))?.length ?? 0).toBeLessThan(
      1000,
    )
    expect(before).toBeDefined()
    expect(await get(setting, browser, '/public')).toEqual({
      status: 200,
      sub: null,
      cart: 'a book',
    })
  })

  test('is begun by a callback from another site, which does not bring the cookie', async () => {
    const setting = await start(create(), { authorization: { response_mode: 'form_post' } })
    const browser = setting.browser()
    await get(setting, browser, '/add')
    await browser.navigate(`${setting.app.url}/profile`)
    // What was in the session before cannot be known, as the docs say
    expect(await get(setting, browser, '/public')).toEqual({ status: 200, sub: expect.any(String) })
    setting.provider.behave.acr = 'strong'
    expect((await get(setting, browser, '/strong')).acr).toBe('strong')
  })

  test('that a slow request writes after a logout signs nobody in', async () => {
    const setting = await start(create(), { logout: { store: new MemoryStore() } })
    const browser = await signIn(setting)
    const slow = browser.clone()
    const late = get(setting, slow, '/slow-add')
    await expect.poll(countWaiting, { timeout: 20_000 }).toBe(1)
    expect((await get(setting, browser, '/leave')).sub).toBeNull()
    letGo()
    expect((await late).status).toBe(200)
    for (const who of [browser, slow]) {
      expect((await get(setting, who, '/public')).sub).toBeNull()
    }
  })
})

/** A framework, and the Relying Party that its app is built with. */
function tap(framework: ReturnType<(typeof sessionFrameworks)[number]['create']>) {
  let made: RelyingParty | undefined
  return {
    relyingParty() {
      if (!made) throw new Error('the app is not built')
      return made
    },
    framework: {
      ...framework,
      build(
        options: Parameters<typeof framework.build>[0],
        how: Parameters<typeof framework.build>[1],
      ) {
        made = 'receive' in options ? options : createRelyingParty(options)
        return framework.build(made, how)
      },
    },
  }
}
