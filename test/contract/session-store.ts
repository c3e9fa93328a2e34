/**
 * What every place for sessions must do, as an app and its browsers see it. Each place calls this suite
 * with its own.
 *
 * @module
 */

import { createRelyingParty, type Options } from '@countersign/core'
import type { Store } from 'express-session'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import type { Framework } from '../support/app.ts'
import { describeUnless } from '../support/installed.ts'
import { type Setting, secret, signIn, startAnotherApp } from '../support/setting.ts'
import type { UserAgent } from '../support/user-agent.ts'

/** Options of sessions besides their secret. */
type SessionOptions = Omit<Options['session'] & object, 'secret'>

/** A place for sessions. */
export interface SessionPlace {
  readonly session: SessionOptions
  readonly logout?: Options['logout']
  /** Where sessions are kept on the server. */
  readonly store?: Store
  close(): Promise<void>
}

/** What is put to the test. */
export interface SessionStoreContract {
  readonly name: string
  readonly framework: Framework
  /** Why this place cannot be tested here. */
  readonly skipReason?: string | undefined
  /** A provider with its client, which the suites may share. */
  provider(): Pick<Setting, 'provider' | 'privateKeyPem'>
  /** Whether a logout reaches copies of the cookie. */
  readonly endsCopies: boolean
  open(): Promise<SessionPlace>
}

const other = 'another secret that is long enough to be one'

/** The session's own cookies, as a `Cookie` header. */
export function copyCookies(browser: UserAgent, url: string): string {
  const own = browser.cookies(url).filter(({ key }) => /^oidc-[0-9a-f]{6}(\.\d+)?$/.test(key))
  return own.map(({ key, value }) => `${key}=${value}`).join('; ')
}

/** Whether a browser is signed in that sends this `Cookie` header. */
export async function isSignedIn({ app, browser }: Setting, cookie: string): Promise<boolean> {
  const page = await browser().navigate(`${app.url}/public`, { headers: { cookie } })
  if (page.status !== 200) throw new Error(`answered with ${page.status}: ${page.text}`)
  return JSON.parse(page.text).isAuthenticated
}

/** Counts what a store is asked to do. */
function countCalls(store: Store) {
  const spies = {
    get: vi.spyOn(store, 'get'),
    set: vi.spyOn(store, 'set'),
    destroy: vi.spyOn(store, 'destroy'),
    touch: vi.spyOn(store, 'touch'),
  }
  return () =>
    Object.fromEntries(Object.entries(spies).map(([name, { mock }]) => [name, mock.calls.length]))
}

/** Calls the suite. */
export function sessionStoreContract({
  name,
  framework,
  skipReason,
  provider,
  endsCopies,
  open,
}: SessionStoreContract): void {
  describeUnless(skipReason)(`${name} on ${framework.name}`, () => {
    let place: SessionPlace
    let setting: Setting
    const started: Setting[] = []
    const build = (session: Partial<SessionOptions> & { secret?: string | string[] } = {}) => ({
      session: { secret, ...place.session, ...session },
      ...(place.logout && { logout: place.logout }),
    })
    async function start(session: Parameters<typeof build>[0], more: Partial<Options> = {}) {
      const another = await startAnotherApp(framework, setting, { ...build(session), ...more })
      started.push(another)
      return another
    }

    beforeAll(async () => {
      place = await open()
      setting = await startAnotherApp(framework, provider(), build())
    })
    afterAll(async () => {
      await setting.close()
      await place.close()
    })
    beforeEach(() => setting.reset())
    afterEach(async () => {
      vi.useRealTimers()
      vi.restoreAllMocks()
      await Promise.all(started.splice(0).map((another) => another.close()))
    })

    test('keeps an End-User signed in, for every kind of request and response', async () => {
      const { app } = setting
      const browser = await signIn(setting)
      const stay = await start({ keep: ['accessToken', 'refreshToken'] })
      expect(await isSignedIn(setting, copyCookies(browser, app.url))).toBe(true)
      expect((await browser.fetch(`${app.url}/profile`, { method: 'HEAD' })).status).toBe(200)
      const user = await signIn(stay)
      const { sub } = JSON.parse((await user.navigate(`${stay.app.url}/public`)).text)
      expect((await user.navigate(`${stay.app.url}/stream`)).text).toBe(`${sub};end`)
      expect((await user.navigate(`${stay.app.url}/sse`)).text).toContain(`data: ${sub}\n`)
    })

    test('is there for a WebSocket handshake', async () => {
      const { app, provider, privateKeyPem } = setting
      const relyingParty = createRelyingParty({
        ...{ issuer: provider.issuer, clientId: 'app', clientKey: privateKeyPem, baseUrl: app.url },
        ...build(),
      })
      const cookie = copyCookies(await signIn(setting), app.url)
      const headers = { origin: app.origin, cookie }
      const session = await relyingParty.session({ url: '/socket', headers })
      expect(session?.user.sub).toBe('alice')
      const rest = { url: '/socket', headers: { origin: app.origin, cookie: 'other=cookie' } }
      expect(await relyingParty.session(rest)).toBeUndefined()
      await relyingParty.close()
    })

    test('shows nobody what is in the cookie', async () => {
      const { app } = setting
      const cookie = copyCookies(await signIn(setting), app.url)
      const texts = cookie.split(/[=.]/).map((part) => Buffer.from(part, 'base64url').toString())
      expect(texts.join(' ')).not.toContain(setting.provider.issuer)
      if (place.store) expect(cookie.length).toBeLessThan(300)
    })

    // RFC 9700, 4.7: session fixation
    test('begins another session at each login and at a step-up', async () => {
      const { app } = setting
      const browser = await signIn(setting)
      const copies = [copyCookies(browser, app.url)]
      expect((await browser.navigate(`${app.url}/strong`)).text).toBe('ok')
      copies.push(copyCookies(browser, app.url))
      await browser.navigate(`${app.url}/login`)
      copies.push(copyCookies(browser, app.url))
      expect(new Set(copies).size).toBe(3)
      const alive = await Promise.all(copies.map((copy) => isSignedIn(setting, copy)))
      expect(alive).toEqual(place.store ? [false, false, true] : [true, true, true])
    })

    test('is over after a logout, which takes the cookie away', async () => {
      const { app } = setting
      const browser = await signIn(setting)
      const copy = copyCookies(browser, app.url)
      await browser.post(`${app.url}/logout`, {}, { follow: false })
      expect(copyCookies(browser, app.url)).toBe('')
      expect(await isSignedIn(setting, copy)).toBe(!endsCopies)
    })

    test('is over when it was not used, and when its lifetime is', async () => {
      const app = await start({ idleTimeout: 600, lifetime: 900 })
      const browser = await signIn(app)
      const first = copyCookies(browser, app.app.url)
      const begin = Date.now()
      vi.setSystemTime(begin + 500_000)
      await browser.navigate(`${app.app.url}/public`)
      const second = copyCookies(browser, app.app.url)
      expect(second).not.toBe(first)
      vi.setSystemTime(begin + 700_000)
      // Nobody waits for the store to hear of a use, least of all when ten minutes pass at once
      await vi.waitFor(async () => expect(await isSignedIn(app, second)).toBe(true), 10_000)
      expect(await isSignedIn(app, first)).toBe(false)
      vi.setSystemTime(begin + 901_000)
      expect(await isSignedIn(app, second)).toBe(false)
    })

    test('is opened by a rotated secret, and by no other', async () => {
      const { app } = setting
      const cookie = copyCookies(await signIn(setting), app.url).replace(/^[^=]+/, 'same')
      const named = { cookie: { name: 'same' } }
      const rotated = await start({ ...named, secret: [other, secret] })
      expect(await isSignedIn(rotated, cookie)).toBe(true)
      const removed = await start({ ...named, secret: other })
      expect(await isSignedIn(removed, cookie)).toBe(false)
      expect(removed.told('session.unreadable')).toHaveLength(1)
    })

    test('asks no store for who has no session', async ({ skip }) => {
      const store = place.store ?? place.logout?.store
      if (!store) return skip()
      const calls = countCalls(store as Store)
      expect(await isSignedIn(setting, 'other=cookie')).toBe(false)
      await setting.browser().navigate(`${setting.app.url}/untouched`)
      expect(calls()).toEqual({ get: 0, set: 0, destroy: 0, touch: 0 })
    })

    test('asks the store once for a request, and writes nothing', async ({ skip }) => {
      if (!place.store) return skip()
      for (const [keep, get] of [[[], 1] as const, [['accessToken'], 2] as const]) {
        const app = await start({ keep })
        const browser = await signIn(app)
        const calls = countCalls(place.store)
        const page = await browser.navigate(`${app.app.url}/profile`)
        expect(page.setCookies).toEqual([])
        expect(calls()).toEqual({ get, set: 0, destroy: 0, touch: 0 })
        vi.restoreAllMocks()
      }
    })

    test('is touched once a minute, also by requests that come at once', async ({ skip }) => {
      if (!place.store) return skip()
      const { app } = setting
      const begin = Date.now()
      // However long it takes to sign in
      vi.setSystemTime(begin)
      const browser = await signIn(setting)
      const calls = countCalls(place.store)
      const touches: unknown[] = []
      for (const after of [59_000, 61_000, 100_000, 122_000]) {
        vi.setSystemTime(begin + after)
        const pages = Array.from({ length: 20 }, () => browser.fetch(`${app.url}/profile`))
        expect((await Promise.all(pages)).map(({ status }) => status)).toEqual(Array(20).fill(200))
        touches.push(calls()['touch'])
      }
      expect(touches).toEqual([0, 1, 1, 2])
      expect(calls()['set']).toBe(0)
    })

    test('ends the oldest when there are too many, and no other', async ({ skip }) => {
      if (!place.store) return skip()
      setting.provider.behave.claims = { sub: 'crowd' }
      const app = await start({ maxSessions: 2 })
      const browsers: UserAgent[] = []
      const count = async () => {
        const copies = browsers.map((browser) => copyCookies(browser, app.app.url))
        return await Promise.all(copies.map((copy) => isSignedIn(app, copy)))
      }
      for (let index = 0; index < 2; index++) browsers.push(await signIn(app))
      expect(await count()).toEqual([true, true])
      // A step-up takes the place of the session that was there
      await browsers[1]?.navigate(`${app.app.url}/login`)
      expect(await count()).toEqual([true, true])
      browsers.push(await signIn(app))
      expect(await count()).toEqual([false, true, true])
    })
  })
}
