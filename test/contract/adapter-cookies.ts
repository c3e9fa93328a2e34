/**
 * What every adapter owes to cookies: all of them, before the head of the response leaves, whatever way a
 * framework has to write it.
 *
 * @module
 */

import { describe, expect, test } from 'vitest'
import { type Setting, signIn } from '../support/setting.ts'
import type { Page } from '../support/user-agent.ts'

const sessionCookie = /^oidc-[0-9a-f]{6}(?:\.\d+)?=/

/** Declares the tests about cookies of the adapter's contract. */
export function cookieContract(read: () => Setting): void {
  const url = (path: string) => read().app.url + path

  describe('cookies', () => {
    test('several are several headers', async () => {
      const page = await read().browser().navigate(url('/profile'))
      const callback = page.history.find((hop) => hop.url.includes('/callback'))
      expect(callback?.setCookies.length).toBeGreaterThanOrEqual(3)
      for (const cookie of callback?.setCookies ?? []) {
        expect(cookie.match(/HttpOnly/g)).toHaveLength(1)
      }
    })

    test('of the app stay next to ours', async () => {
      const page = await (await signIn(read())).navigate(url('/both'))
      expect(page.text).toBe('ok')
      for (const name of ['before', 'after']) {
        const own = page.setCookies.filter((cookie) => cookie.startsWith(`${name}=1`))
        expect([name, own.length]).toEqual([name, 1])
      }
      expectSession(page)
    })

    test.each([
      ['a stream', '/stream', /^\S+;end$/],
      ['server-sent events', '/sse', /^data: \S+\n\ndata: end\n\n$/],
      ['a file', '/file', /^a page in a file\n$/],
    ])('come before %s', async (_name, path, text) => {
      const browser = await signIn(read())
      const before = browser.cookies(url('/')).map(String)
      const page = await browser.navigate(url(path))
      expect(page.text).toMatch(text)
      expectSession(page)
      expect(browser.cookies(url('/')).map(String)).not.toEqual(before)
      expect((await browser.navigate(url('/profile'))).history).toHaveLength(1)
    })

    test('of a session that is too large for one are read, written again and cleared', async () => {
      const { behave } = read().provider
      behave.claims = { groups: Array.from({ length: 250 }, (_, index) => `group-${index}`) }
      const browser = await signIn(read())
      const names = () => browser.cookies(url('/')).map(({ key }) => key)
      expect(names().filter((name) => /^oidc-[0-9a-f]{6}\.[01]$/.test(name))).toHaveLength(2)
      for (const path of ['/refresh', '/profile']) {
        const page = await browser.navigate(url(path))
        expect([path, page.status, page.history.length]).toEqual([path, 200, 1])
      }
      expect(JSON.parse((await browser.navigate(url('/profile'))).text).groups).toHaveLength(250)
      await browser.navigate(url('/leave-here'))
      expect(
        names().filter((name) => /^oidc-[0-9a-f]{6}/.test(name) && !/login|out$/.test(name)),
      ).toEqual([])
    })

    test('come with a 304', async () => {
      const browser = await signIn(read())
      const { etag = '' } = (await browser.navigate(url('/file'))).headers
      const page = await browser.navigate(url('/file'), { headers: { 'if-none-match': etag } })
      expect([page.status, page.text]).toEqual([304, ''])
      expectSession(page)
    })

    test('come with the answer to an error', async () => {
      const browser = await signIn(read())
      const page = await browser.navigate(url('/spill'))
      expect([page.status, JSON.parse(page.text).message]).toEqual([500, 'spilled'])
      expectSession(page)
    })

    test('come with an answer to HEAD', async () => {
      const page = await (await signIn(read())).fetch(url('/both'), { method: 'HEAD' })
      expect([page.status, page.text]).toEqual([200, ''])
      expectSession(page)
    })

    test('that come too late are a clear error, and the response goes on', async () => {
      const page = await (await signIn(read())).navigate(url('/late'))
      expect(page.text).toBe('started;ERR_RESPONSE_STARTED')
    })

    test('that cannot be opened mean nobody, an event, and never an error', async () => {
      const browser = await signIn(read())
      const session = browser.cookies(url('/')).find(({ key }) => /^oidc-[0-9a-f]{6}$/.test(key))
      browser.setCookie(url('/'), `${session?.key}=${session?.value.slice(0, -4)}AAAA; Path=/`)
      const page = await browser.navigate(url('/public'))
      expect([page.status, JSON.parse(page.text)]).toEqual([200, { isAuthenticated: false }])
      expect(read().told('session.unreadable')).toHaveLength(1)
    })
  })
}

function expectSession({ setCookies }: Page): void {
  const sessions = setCookies.filter((cookie) => sessionCookie.test(cookie))
  expect(sessions, 'the session, once').toHaveLength(1)
}
