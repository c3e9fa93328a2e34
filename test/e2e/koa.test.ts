import { once } from 'node:events'
import { connect, createServer as createHttp2 } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { OidcError, type Options, oidc, requireLogin } from '@countersign/koa'
import { signedIn } from '@countersign/testing'
import { bodyParser } from '@koa/bodyparser'
import Router from '@koa/router'
import Koa from 'koa'
import { koaBody } from 'koa-body'
import mount from 'koa-mount'
import Koa2 from 'koa2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApp } from '../support/app.ts'
import { koa3App } from '../support/apps/koa.ts'
import { type Setting, secret, startSetting } from '../support/setting.ts'
import { ada, listen, options } from './support/offline.ts'

const state = 'a'.repeat(32)
function createApp(koa: typeof Koa = Koa) {
  const app = new koa()
  const errors: unknown[] = []
  app.on('error', (error) => errors.push(error))
  return { app, errors }
}

describe.each([
  ['Koa 3', Koa],
  ['Koa 2', Koa2],
])('%s', (_name, koa) => {
  test('signedIn() finds oidc() among the middleware of an app and of a router', async () => {
    const { app } = createApp(koa)
    const router = new Router()
    router.get('/profile', requireLogin(), (ctx) => {
      ctx.body = ctx.oidc.user
    })
    app.use(bodyParser()).use(oidc(options)).use(router.routes())
    const url = await listen(app.callback())
    const response = await fetch(`${url}/profile`, signedIn(app, ada))
    expect(await response.json()).toEqual(ada)
    const inner = createApp(koa).app.use(new Router().use(oidc(options)).routes())
    expect(signedIn(inner, ada).cookie).toMatch(/^oidc-/)
    expect(() => signedIn(new koa(), ada)).toThrow('no oidc() was found in "app"')
  })

  test('errors go to its own error handling, with the status and without the message', async () => {
    const { app, errors } = createApp(koa)
    app.use(oidc(options)).use(async (ctx) => {
      ctx.body = await ctx.oidc.accessToken()
    })
    const response = await fetch(await listen(app.callback()))
    expect([response.status, await response.text()]).toEqual([401, 'Unauthorized'])
    expect(errors).toMatchObject([{ code: 'ERR_NOT_SIGNED_IN' }])
    expect(errors[0]).toBeInstanceOf(OidcError)
  })

  test('a guard without oidc() before it says so', async () => {
    const { app, errors } = createApp(koa)
    app.use(requireLogin())
    expect((await fetch(await listen(app.callback()))).status).toBe(500)
    expect(errors).toMatchObject([
      { code: 'ERR_CONFIGURATION', message: expect.stringContaining('app.use(oidc())') },
    ])
  })

  test('its error handling keeps our cookies, and drops the headers that it always drops', async () => {
    const { app } = createApp(koa)
    app.use(oidc(options)).use(async (ctx) => {
      ctx.set('x-own', '1')
      ctx.cookies.set('own', '1')
      await ctx.oidc.logout({ local: true })
      const error = Object.assign(new Error('after the logout'), { headers: { 'x-error': '1' } })
      throw error
    })
    const { status, headers } = await fetch(await listen(app.callback()), signedIn(app, ada))
    expect([status, headers.get('x-own'), headers.get('x-error')]).toEqual([500, null, '1'])
    const cookies = headers.getSetCookie()
    expect(cookies).not.toEqual([])
    for (const cookie of cookies) expect(cookie).toMatch(/^oidc-.*(?:Max-Age=0|\.out=)/)
  })

  test('an error that is thrown for everybody brings nobody the cookies of another', async () => {
    const { app, errors } = createApp(koa)
    const once = Object.assign(new Error('the same for all'), { headers: { 'x-error': '1' } })
    const bare = new Error('without headers')
    const stubborn = Object.defineProperty(new Error('stubborn'), 'headers', { value: {} })
    const aborted = AbortSignal.abort().reason
    app.use(oidc(options)).use(async (ctx) => {
      if (ctx.oidc.user) await ctx.oidc.logout({ local: true })
      throw { '/once': once, '/bare': bare, '/stubborn': stubborn }[ctx.path] ?? aborted
    })
    const url = await listen(app.callback())
    for (const path of ['/once', '/bare', '/stubborn', '/aborted']) {
      const ada = await fetch(url + path, signedIn(app, { sub: 'ada' }))
      expect([path, ada.headers.getSetCookie().length > 0]).toEqual([path, path !== '/stubborn'])
      const other = await fetch(url + path)
      expect([path, other.status, other.headers.getSetCookie()]).toEqual([path, 500, []])
    }
    const both = [signedIn(app, { sub: 'ada' }), {}, signedIn(app, { sub: 'eve' }), {}]
    const at = await Promise.all(both.map((init) => fetch(`${url}/once`, init)))
    const counts = at.map(({ headers }) => headers.getSetCookie().length)
    expect(counts).toEqual([counts[0], 0, counts[0], 0])
    expect(once).toHaveProperty('headers', { 'x-error': '1' })
    expect(bare).not.toHaveProperty('headers')
    expect(errors).toHaveLength(12)
  })

  test("cookies of an error's own, and of another oidc() around, stay next to ours", async () => {
    const { app } = createApp(koa)
    const inner = oidc({ ...options, clientId: 'inner' })
    app.use(oidc(options)).use(async (ctx, next) => {
      await ctx.oidc.logout({ local: true })
      await next()
    })
    app.use(inner).use(async (ctx) => {
      await ctx.oidc.logout({ local: true })
      throw Object.assign(new Error('x'), { headers: { 'Set-Cookie': ['own=1'] } })
    })
    const cookie = [signedIn(app, ada).cookie, signedIn(inner, ada).cookie].join('; ')
    const { headers } = await fetch(await listen(app.callback()), { headers: { cookie } })
    const names = headers.getSetCookie().map((line) => line.split('=', 1)[0])
    expect(names).toContain('own')
    for (const pair of cookie.split('; ')) expect(names).toContain(pair.split('=', 1)[0])
  })

  test('an error that is logged shows no cookie', async () => {
    const { app } = createApp(koa)
    const logged: string[] = []
    app.on('error', (error) => {
      logged.push(inspect(error), JSON.stringify({ ...error }))
    })
    app.use(oidc(options)).use(async (ctx) => {
      await ctx.oidc.logout({ local: true })
      throw new Error('after the logout')
    })
    await fetch(await listen(app.callback()), signedIn(app, ada))
    expect(logged).toHaveLength(2)
    expect(logged.join()).not.toContain('oidc-')
  })

  test('what is thrown that is no error goes the same way', async () => {
    const { app, errors } = createApp(koa)
    app.use(oidc(options)).use(() => {
      // biome-ignore lint/style/useThrowOnlyError: others do
      throw { not: 'an error' }
    })
    expect((await fetch(await listen(app.callback()))).status).toBe(500)
    expect(errors).toHaveLength(1)
  })

  test('what is thrown after a cookie was set keeps the cookie, error or not', async () => {
    const { app, errors } = createApp(koa)
    app.use(oidc(options)).use(async (ctx) => {
      await ctx.oidc.logout({ local: true })
      // biome-ignore lint/style/useThrowOnlyError: others do
      throw 'text'
    })
    const { status, headers } = await fetch(await listen(app.callback()), signedIn(app, ada))
    expect([status, headers.getSetCookie().length > 0]).toEqual([500, true])
    expect(errors).toMatchObject([{ cause: 'text' }])
  })

  test('middleware around it sees the responses of our routes, and may add to them', async () => {
    const { app } = createApp(koa)
    const seen: unknown[] = []
    app.use(async (ctx, next) => {
      await next()
      seen.push([ctx.status, ctx.body ?? null])
      ctx.set('x-response-time', '1')
    })
    app.use(oidc(options))
    const url = await listen(app.callback())
    const response = await fetch(`${url}/logout`, { redirect: 'manual' })
    expect([response.status, response.headers.get('x-response-time')]).toEqual([303, '1'])
    expect(seen).toEqual([[303, null]])
  })

  test('a context that writes by itself can still be signed out', async () => {
    const { app } = createApp(koa)
    app.use(oidc(options)).use(async (ctx) => {
      ctx.respond = false
      await ctx.oidc.logout({ local: true })
    })
    const init = { redirect: 'manual', ...signedIn(app, ada) } as const
    const { status, headers } = await fetch(await listen(app.callback()), init)
    expect([status, headers.get('location')]).toEqual([303, '/'])
    expect(headers.getSetCookie()).toContainEqual(expect.stringMatching(/^oidc-\w+=;.*Max-Age=0/))
  })

  test('middleware after it does not run for our routes', async () => {
    const { app } = createApp(koa)
    app.use(oidc(options)).use((ctx) => {
      ctx.body = 'mine'
    })
    const url = await listen(app.callback())
    expect(await (await fetch(`${url}/login`)).text()).not.toBe('mine')
    expect(await (await fetch(`${url}/other`)).text()).toBe('mine')
  })

  test('is served over HTTP/2 as over HTTP/1.1', async () => {
    const { app } = createApp(koa)
    app.use(oidc(options)).use((ctx) => {
      ctx.body = ctx.oidc.user
    })
    const server = createHttp2(app.callback()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    try {
      const stream = client.request({ ':path': '/', ...signedIn(app, ada).headers })
      expect(JSON.parse((await stream.setEncoding('utf8').toArray()).join(''))).toEqual(ada)
      const logout = client.request({ ':path': '/logout', ...signedIn(app, ada).headers })
      const [head] = await once(logout, 'response')
      expect(head).toMatchObject({ ':status': 303, 'set-cookie': expect.any(Array) })
    } finally {
      client.destroy()
      server.close()
    }
  })
})

describe('a form that is posted to the callback', () => {
  const form = new URLSearchParams({ state, code: 'x' })

  test.each([
    ['no parser', undefined],
    ['@koa/bodyparser', bodyParser()],
    ['koa-body', koaBody({ multipart: true })],
    [
      'koa-body that leaves it on the request of Node',
      koaBody({ patchNode: true, patchKoa: false }),
    ],
  ])('is read behind %s', async (_name, parser) => {
    const { app } = createApp()
    if (parser) app.use(parser)
    app.use(oidc(options))
    const response = await fetch(`${await listen(app.callback())}/callback`, {
      method: 'POST',
      body: form,
    })
    // It was read: its state is nobody's
    expect(await response.json()).toMatchObject({ status: 400, code: 'ERR_TRANSACTION_MISSING' })
  })

  test('that is multipart is refused, and the app goes on', async () => {
    const { app } = createApp()
    app.use(koaBody({ multipart: true })).use(oidc(options))
    const url = await listen(app.callback())
    const body = new FormData()
    body.set('state', state)
    const response = await fetch(`${url}/callback`, { method: 'POST', body })
    expect(await response.json()).toMatchObject({ status: 415, code: 'ERR_CONTENT_TYPE' })
    expect((await fetch(`${url}/logout`, { redirect: 'manual' })).status).toBe(303)
  })
})

describe('koa-mount', () => {
  let setting: Setting
  beforeAll(async () => {
    setting = await startSetting(koa3App)
  })
  afterAll(() => setting.close())

  test('two apps in one, at two paths, know nothing of each other', async () => {
    const { provider, privateKeyPem: clientKey } = setting
    const app = await startApp(
      {
        name: 'two',
        build(given) {
          const { baseUrl: origin } = given as Options
          const outer = new Koa()
          for (const path of ['/a', '/b']) {
            const inner = new Koa()
            inner.use(oidc({ ...(given as Options), baseUrl: origin + path }))
            inner.use(requireLogin()).use((ctx) => {
              ctx.body = ctx.oidc.user?.sub
            })
            outer.use(mount(path, inner))
          }
          return outer.callback()
        },
      },
      {
        options: (baseUrl) => ({
          issuer: provider.issuer,
          clientId: 'app',
          clientKey,
          baseUrl,
          session: { secret },
        }),
      },
    )
    const browser = setting.browser()
    try {
      for (const path of ['/a', '/b']) {
        provider.behave.sub = `user of ${path}`
        expect((await browser.navigate(`${app.url}${path}/x`)).text).toBe(`user of ${path}`)
      }
      expect((await browser.navigate(`${app.url}/a/x`)).text).toBe('user of /a')
    } finally {
      await app.close()
    }
  })
})
