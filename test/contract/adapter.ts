/**
 * What every adapter owes: the behaviours that a framework can break. A new adapter registers its
 * framework in `test/support/frameworks.ts`, and this runs over it with and without a body parser.
 *
 * @module
 */

import http from 'node:http'
import { ConfigurationError, createRelyingParty, type Options } from '@countersign/core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Framework, startApp } from '../support/app.ts'
import { type Setting, secret, signIn, startSetting } from '../support/setting.ts'
import type { UserAgent } from '../support/user-agent.ts'
import { cookieContract } from './adapter-cookies.ts'

/** One adapter in one set-up. */
export interface AdapterSetup {
  readonly hasBodyParser: boolean
  readonly mountPath: string
}

/** Declares the contract's tests for one framework in one set-up. */
export function adapterContract(framework: Framework, setup: AdapterSetup): void {
  let setting: Setting
  beforeAll(async () => {
    const session = { secret, keep: ['accessToken', 'refreshToken'] as const }
    setting = await startSetting(framework, { session }, setup)
  })
  afterAll(() => setting.close())
  beforeEach(() => setting.reset())

  const signedIn = () => signIn(setting)

  describe('routes', () => {
    test('answer to their methods, and to no others', async () => {
      const { url } = setting.app
      const ask = (path: string, method: string) => setting.browser().fetch(url + path, { method })
      for (const [path, allow] of [
        ['/login', 'GET, HEAD'],
        ['/callback', 'GET, HEAD, POST'],
        ['/logout', 'GET, HEAD, POST'],
        ['/.well-known/jwks.json', 'GET, HEAD'],
      ] as const) {
        for (const method of ['PUT', 'DELETE', 'PATCH']) {
          const page = await ask(path, method)
          expect([path, method, page.status]).toEqual([path, method, 405])
          expect(page.headers.allow).toBe(allow)
        }
        const options = await ask(path, 'OPTIONS')
        expect([options.status, options.headers.allow]).toEqual([204, allow])
      }
    })

    test('lead a HEAD to the provider as they do a GET, with nothing in the body', async () => {
      const headers = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
      for (const path of ['/login', '/profile']) {
        const how = { method: 'HEAD', headers, follow: false }
        const page = await setting.browser().fetch(setting.app.url + path, how)
        expect([path, page.status, page.text]).toEqual([path, 303, ''])
        expect(page.headers.location).toContain(`${setting.provider.issuer}/`)
        expect(['0', undefined]).toContain(page.headers['content-length'])
        expect(page.headers).not.toHaveProperty('content-type')
      }
    })

    test('answer HEAD as GET, without a body', async () => {
      const url = `${setting.app.url}/.well-known/jwks.json`
      const get = await setting.browser().fetch(url)
      const head = await setting.browser().fetch(url, { method: 'HEAD' })
      expect([head.status, head.text]).toEqual([200, ''])
      for (const name of ['content-type', 'content-length', 'etag', 'cache-control'] as const) {
        expect(head.headers[name]).toBe(get.headers[name])
      }
    })

    test('leave alone what only begins like one of them', async () => {
      for (const path of ['/loginx', '/login/', '/callback/x', '/log', '/LOGIN?x']) {
        const page = await setting.browser().navigate(setting.app.url + path, { follow: false })
        expect([path, page.headers.location]).toEqual([path, undefined])
      }
    })

    test('publish the JWK Set: public members, a cache that ends, and 304 for who has it', async () => {
      const url = `${setting.app.url}/.well-known/jwks.json`
      const page = await setting.browser().fetch(url)
      const { keys } = JSON.parse(page.text)
      expect(keys).toEqual([
        {
          kty: 'EC',
          crv: 'P-256',
          x: expect.any(String),
          y: expect.any(String),
          kid: expect.any(String),
          use: 'sig',
          alg: 'ES256',
        },
      ])
      expect(page.headers['cache-control']).toBe('public, max-age=300')
      expect(page.headers['content-type']).toBe('application/jwk-set+json')
      const headers = { 'if-none-match': `"other", W/${page.headers.etag}` }
      const again = await setting.browser().fetch(url, { headers })
      expect([again.status, again.text]).toEqual([304, ''])
    })
  })

  cookieContract(() => setting)

  describe('negotiation', () => {
    const xhr = { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' }
    const unknown = { 'sec-fetch-mode': '', 'sec-fetch-dest': '', 'sec-fetch-site': '' }
    const cases: [string, Record<string, string>, number][] = [
      ['a navigation', {}, 303],
      ['a script', xhr, 401],
      ['a script that accepts HTML', { ...xhr, accept: 'text/html' }, 401],
      ['an image', { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' }, 401],
      ['an old browser', { ...unknown, accept: 'text/html,*/*;q=0.8' }, 303],
      ['a program that takes anything', { ...unknown, accept: '*/*' }, 401],
      ['a program that says nothing', { ...unknown, accept: '' }, 401],
      [
        'a program that wants JSON',
        { ...unknown, accept: 'application/json, text/html;q=0.5' },
        401,
      ],
    ]
    test.each(cases)('%s is answered with its own', async (_name, headers, status) => {
      const url = `${setting.app.url}/profile`
      const page = await setting.browser().navigate(url, { headers, follow: false })
      expect(page.status).toBe(status)
      if (status === 303) return
      expect(page.headers['content-type']).toBe('application/problem+json')
      expect(page.headers['www-authenticate']).toContain('form-action=')
      expect(page.setCookies).toEqual([])
      expect(JSON.parse(page.text)).toEqual({
        status: 401,
        title: 'Sign-in is required',
        code: 'ERR_NOT_SIGNED_IN',
        login_url: `${setting.app.url}/login`,
      })
    })

    test('a form that is posted after the session has ended is not sent away', async () => {
      const page = await setting.browser().post(`${setting.app.url}/profile`, { a: 'b' })
      expect([page.status, JSON.parse(page.text).code]).toEqual([401, 'ERR_NOT_SIGNED_IN'])
      expect(page.setCookies).toEqual([])
      const same = await (await signedIn()).post(`${setting.app.url}/profile`, { a: 'b' })
      expect(JSON.parse(same.text)).toHaveProperty('sub')
    })
  })

  describe('requests', () => {
    test('keep their query as it came', async () => {
      const query = '?a=%2B+%20%26&a=2&b[]=%C3%BC&c'
      const page = await setting.browser().navigate(`${setting.app.url}/profile${query}`)
      expect(page.url).toBe(`${setting.app.url}/profile${query}`)
    })

    test('with a body reach the app with it', async () => {
      const page = await setting.browser().post(`${setting.app.url}/echo`, { a: 'b' })
      expect(JSON.parse(page.text)).toEqual(setup.hasBodyParser ? { a: 'b' } : 'a=b')
    })

    test('with large headers are served', async () => {
      const headers = { 'x-large': 'x'.repeat(8000) }
      const page = await setting.browser().navigate(`${setting.app.url}/public`, { headers })
      expect(page.status).toBe(200)
    })

    test('with a form that is too large get 413, and with another type 415', async () => {
      const post = (body: string, type: string) =>
        setting.browser().fetch(`${setting.app.url}/callback`, {
          method: 'POST',
          body,
          headers: { 'content-type': type },
        })
      const form = 'application/x-www-form-urlencoded'
      const large = await post(`state=${'x'.repeat(200_000)}`, form)
      expect(large.status).toBe(413)
      // A parser before us may have refused it in its own words
      if (!setup.hasBodyParser) expect(JSON.parse(large.text).code).toBe('ERR_BODY_TOO_LARGE')
      const text = await post('state=x', 'text/plain')
      expect([text.status, JSON.parse(text.text).code]).toEqual([415, 'ERR_CONTENT_TYPE'])
    })

    test('of the provider may come as a form', async () => {
      const browser = setting.browser()
      const [, , callback] = (
        await browser.navigate(`${setting.app.url}/profile?from=form`, { follow: 2 })
      ).history
      const { origin, pathname, searchParams } = new URL(callback?.url ?? '')
      const page = await browser.post(origin + pathname, searchParams)
      expect([page.status, page.url]).toEqual([200, `${setting.app.url}/profile?from=form`])
    })

    test('that are given up do no harm', async () => {
      const { port } = new URL(setting.app.origin)
      await new Promise<void>((resolve) => {
        const headers = {
          'content-type': 'application/x-www-form-urlencoded',
          'content-length': '1000',
        }
        const path = `${setup.mountPath}/callback`
        const request = http.request({ port, host: '127.0.0.1', path, method: 'POST', headers })
        request.on('error', () => resolve())
        request.write('state=', () => request.destroy())
      })
      expect((await (await signedIn()).navigate(`${setting.app.url}/profile`)).status).toBe(200)
    })

    test('whose answer nobody waits for do no harm', async () => {
      const { port } = new URL(setting.app.origin)
      await new Promise<void>((resolve) => {
        const path = `${setup.mountPath}/late`
        const request = http.get({ port, host: '127.0.0.1', path }, (response) => {
          response.destroy()
          resolve()
        })
        request.on('error', () => resolve())
      })
      expect((await (await signedIn()).navigate(`${setting.app.url}/profile`)).status).toBe(200)
    })

    test('for a WebSocket pass a guard only from a page of ours', async () => {
      const browser = await signedIn()
      const headers = { upgrade: 'websocket', connection: 'Upgrade' }
      const ask = (origin: string) =>
        browser.fetch(`${setting.app.url}/claims`, { headers: { ...headers, origin } })
      expect((await ask(setting.app.origin)).status).toBe(200)
      for (const origin of ['https://evil.example', 'null', '']) {
        const page = await ask(origin)
        expect([origin, page.status]).toEqual([origin, 403])
        expect(JSON.parse(page.text).code).toBe('ERR_CROSS_SITE_REQUEST')
      }
    })

    test('of several End-Users at once never see each other', async () => {
      const people: { browser: UserAgent; sub: string }[] = []
      for (let index = 0; index < 5; index++) {
        const sub = `person-${index}`
        setting.provider.behave.sub = sub
        people.push({ browser: await signedIn(), sub })
      }
      const read = async (browser: UserAgent, path: string) =>
        (await browser.navigate(setting.app.url + path)).text
      const rounds = Array.from({ length: 6 }, () => people).flat()
      await Promise.all(
        rounds.map(async ({ browser, sub }) => {
          expect(JSON.parse(await read(browser, '/public'))).toMatchObject({ sub })
          expect(JSON.parse(await read(browser, '/profile'))).toMatchObject({ sub })
        }),
      )
      // With time between the look at the session and the answer
      await Promise.all(
        people.map(async ({ browser, sub }) => {
          expect(await read(browser, '/stream')).toBe(`${sub};end`)
          expect(JSON.parse(await read(browser, '/userinfo'))).toMatchObject({ sub })
        }),
      )
    })
  })

  describe('errors', () => {
    test('of the app go to the app', async () => {
      const page = await (await signedIn()).navigate(`${setting.app.url}/boom`)
      expect([page.status, JSON.parse(page.text).message]).toEqual([500, 'boom'])
    })

    test('after the head end the connection, and nothing else', async () => {
      const browser = await signedIn()
      await expect(browser.navigate(`${setting.app.url}/broken`)).rejects.toThrow()
      expect((await browser.navigate(`${setting.app.url}/profile`)).status).toBe(200)
    })

    test('of `oidc` in a handler reach it with their code and status', async () => {
      const page = await setting.browser().navigate(`${setting.app.url}/token`)
      expect([page.status, JSON.parse(page.text).code]).toEqual([401, 'ERR_NOT_SIGNED_IN'])
    })

    test('of the options are thrown at once, all of them', async () => {
      const options = () => ({ issuer: 'http://op.example', baseUrl: 'x' }) as unknown as Options
      const started = startApp(framework, { options, ...setup })
      await expect(started).rejects.toBeInstanceOf(ConfigurationError)
      await expect(started).rejects.toMatchObject({
        issues: expect.arrayContaining(
          ['issuer', 'clientId', 'baseUrl', 'session', 'clientKey'].map((path) =>
            expect.objectContaining({ path }),
          ),
        ),
      })
    })
  })

  test('a Relying Party made before is taken as it is', async () => {
    let ready: Promise<void> | undefined
    const app = await startApp(framework, {
      ...setup,
      options: (baseUrl) => {
        const relyingParty = createRelyingParty({
          issuer: setting.provider.issuer,
          clientId: 'app',
          clientKey: setting.privateKeyPem,
          baseUrl,
          session: { secret },
        })
        ready = relyingParty.ready()
        return relyingParty
      },
    })
    try {
      await expect(ready).resolves.toBeUndefined()
      expect((await setting.browser().navigate(`${app.url}/profile`)).status).toBe(200)
    } finally {
      await app.close()
    }
  })
}
