import { MemoryStore } from 'express-session'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { copyCookies, isSignedIn } from '../../contract/session-store.ts'
import { mainFrameworks } from '../../support/frameworks.ts'
import {
  type Setting,
  secret,
  signIn,
  startAnotherApp,
  startSetting,
} from '../../support/setting.ts'

/** MemoryStore, with its entries: what somebody has who can write to the store. */
type OpenedStore = MemoryStore & { sessions: Record<string, string> }

describe.each(mainFrameworks)('a session on the server, on $name', (framework) => {
  const store = new MemoryStore() as OpenedStore
  const cookie = { name: 'same' }
  const session = { secret, store, cookie, keep: ['accessToken' as const] }
  let setting: Setting
  beforeAll(async () => {
    setting = await startSetting(framework, { session })
  })
  afterAll(() => setting.close())
  beforeEach(() => setting.reset())
  afterEach(() => vi.restoreAllMocks())

  const pointerOf = (browser: Awaited<ReturnType<typeof signIn>>) =>
    browser.cookies(setting.app.url).find(({ key }) => key === 'same')?.value ?? ''

  /** Signs somebody in, and returns the cookie and the names of what is in the store. */
  async function enter(sub: string) {
    setting.provider.behave.claims = { sub }
    const before = new Set(Object.keys(store.sessions))
    const browser = await signIn(setting)
    const added = Object.keys(store.sessions).filter((name) => !before.has(name))
    const name = (kind: string) => added.find((key) => key.includes(`:${kind}:`)) ?? ''
    const pointer = pointerOf(browser)
    return {
      browser,
      pointer,
      cookie: `same=${pointer}`,
      session: name('session'),
      tokens: name('tokens'),
    }
  }

  /** Writes to the store what an attacker would like to see there. */
  function tamper(name: string, change: (record: Record<string, unknown>) => unknown): void {
    const entry = JSON.parse(store.sessions[name] ?? '')
    store.sessions[name] = JSON.stringify({ ...entry, oidc: change(entry.oidc) })
  }

  test('is not found by an id alone, nor by a pointer that was changed', async () => {
    const { session, pointer } = await enter('ada')
    const id = session.split(':').at(-1) ?? ''
    const [header = '', ...rest] = pointer.split('.')
    const none = Buffer.from('{"alg":"none"}').toString('base64url')
    const payload = Buffer.from(JSON.stringify({ id, seenAt: Date.now() / 1000 }))
    const forged = [
      id,
      session,
      payload.toString('base64url'),
      `${none}.${payload.toString('base64url')}.`,
      [none, ...rest].join('.'),
      [header, ...rest].join('.').slice(0, -1),
      pointer.toLowerCase(),
      `${pointer}.${pointer}`,
    ]
    for (const value of forged) expect(await isSignedIn(setting, `same=${value}`)).toBe(false)
    expect(setting.told('session.unreadable')).toHaveLength(forged.length)
    expect(await isSignedIn(setting, `same=${pointer}`)).toBe(true)
  })

  test('is not that of another app with the same secret and the same store', async () => {
    const { cookie } = await enter('ada')
    const others = [
      await startAnotherApp(framework, setting, { session, clientId: 'other' }),
      // A whole session where a pointer should be, and the other way round
      await startAnotherApp(framework, setting, { session: { secret, cookie: { name: 'same' } } }),
    ]
    for (const other of others) expect(await isSignedIn(other, cookie)).toBe(false)
    const whole = await signIn(others[1] as Setting)
    expect(await isSignedIn(setting, `same=${pointerOf(whole)}`)).toBe(false)
    await Promise.all(others.map((other) => other.close()))
  })

  test('is nobody where the store answers with the record of somebody else', async () => {
    const [ada, bob] = [await enter('ada'), await enter('bob')]
    const swap = store.sessions[ada.session] ?? ''
    store.sessions[ada.session] = store.sessions[bob.session] ?? ''
    store.sessions[bob.session] = swap
    expect(await isSignedIn(setting, ada.cookie)).toBe(false)
    expect(await isSignedIn(setting, bob.cookie)).toBe(false)
  })

  test('has no tokens of somebody else, and none that were put there', async () => {
    const [ada, bob] = [await enter('ada'), await enter('bob')]
    const token = async () => (await ada.browser.fetch(`${setting.app.url}/token`)).text
    const own = await token()
    store.sessions[ada.tokens] = store.sessions[bob.tokens] ?? ''
    expect(JSON.parse(await token()).code).toBe('ERR_TOKEN_NOT_KEPT')
    tamper(ada.tokens, () => ({ accessToken: own, sealed: `x${own}` }))
    expect(JSON.parse(await token()).code).toBe('ERR_TOKEN_NOT_KEPT')
    tamper(ada.session, (record) => ({ ...record, tokens: { accessToken: 'planted' } }))
    expect(JSON.parse(await token()).code).toBe('ERR_TOKEN_NOT_KEPT')
  })

  test('is not changed by who can write to the store, and tells nothing to who can read it', async () => {
    const { cookie, session } = await enter('ada')
    expect(store.sessions[session]).not.toMatch(/ada|op\.example|localhost/)
    const id = session.split(':').at(-1)
    const claims = { iss: setting.provider.issuer, sub: 'root', aud: 'app', iat: 1, exp: 2e9 }
    tamper(session, () => ({ id, createdAt: Date.now() / 1000, claims }))
    expect(await isSignedIn(setting, cookie)).toBe(false)
  })

  // RFC 9700, 4.7
  test('that an attacker has planted is not the one after the login', async () => {
    const attacker = await enter('mallory')
    setting.provider.behave.claims = { sub: 'ada' }
    const victim = setting.browser()
    victim.setCookie(setting.app.url, `${attacker.cookie}; Path=/`)
    const { app } = setting
    await victim.navigate(`${app.url}/login?returnTo=/profile`)
    const page = await victim.navigate(`${app.url}/profile`)
    expect(JSON.parse(page.text).sub).toBe('ada')
    expect(pointerOf(victim)).not.toBe(attacker.pointer)
    expect(await isSignedIn(setting, attacker.cookie)).toBe(false)
  })

  test('is not put together from chunks, nor confused by them', async () => {
    const { pointer } = await enter('ada')
    const half = pointer.length / 2
    const chunks = `same.0=${pointer.slice(0, half)}; same.1=${pointer.slice(half)}`
    expect(await isSignedIn(setting, chunks)).toBe(false)
    expect(await isSignedIn(setting, `same=garbage; ${chunks}`)).toBe(false)
    expect(await isSignedIn(setting, `same.0=garbage; same=${pointer}; same.1=x`)).toBe(true)
    // Of two with one name the first is meant (RFC 6265, 5.4: the longer path)
    expect(await isSignedIn(setting, `same=garbage; same=${pointer}`)).toBe(false)
  })

  test('of ten thousand bytes is nobody, and no call to the store', async () => {
    const get = vi.spyOn(store, 'get')
    expect(await isSignedIn(setting, `same=${'x'.repeat(10_000)}`)).toBe(false)
    expect(get).not.toHaveBeenCalled()
  })

  test.each([
    [null],
    ['a text'],
    [7],
    [[]],
    [{ oidc: null }],
    [{ oidc: { claims: { iss: 'https://evil', sub: 'root' } } }],
    [{ oidc: { id: {}, createdAt: {}, claims: {} } }],
  ])('is nobody where the store answers %j, and one can sign in again', async (answer) => {
    const { browser, cookie } = await enter('ada')
    const get = vi.spyOn(store, 'get')
    get.mockImplementation((_id, done) => done(null, answer as never))
    expect(await isSignedIn(setting, cookie)).toBe(false)
    const page = await browser.navigate(`${setting.app.url}/profile`, { follow: false })
    expect([page.status, page.history[0]?.location]).toEqual([
      303,
      expect.stringContaining(setting.provider.issuer),
    ])
    get.mockRestore()
    expect((await browser.navigate(`${setting.app.url}/profile`)).status).toBe(200)
  })

  test('leaves no cookie of ours but one that scripts cannot read', async () => {
    const browser = await signIn(setting)
    expect(copyCookies(browser, setting.app.url)).toBe('')
    const kept = browser.cookies(setting.app.url).filter(({ key }) => key === 'same')
    expect(kept.map(({ httpOnly, sameSite }) => [httpOnly, sameSite])).toEqual([[true, 'lax']])
  })
})
