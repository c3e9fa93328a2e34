import type { RequestListener } from 'node:http'
import { oidc as oidcExpress, requireLogin as requireExpress } from '@countersign/express'
import { oidc as oidcKoa, requireLogin as requireKoa } from '@countersign/koa'
import { signedIn } from '@countersign/testing'
import express from 'express'
import express4 from 'express4'
import Koa from 'koa'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { secret, startSetting } from '../support/setting.ts'
import { ada, listen, options } from './support/offline.ts'

type Check = () => Promise<boolean>

afterEach(() => {
  vi.restoreAllMocks()
})

function buildExpress(create: typeof express, claims: Check) {
  const app = create()
  app.use(oidcExpress(options))
  app.get('/', requireExpress({ claims }), (_req, res) => void res.send('mine'))
  app.get('/', (_req, res) => void res.send('mine'))
  return { app, listener: app as RequestListener }
}

const frameworks = [
  ['Express 5', (claims: Check) => buildExpress(express, claims)],
  ['Express 4', (claims: Check) => buildExpress(express4, claims)],
  [
    'Koa',
    (claims: Check) => {
      const app = new Koa()
      app.silent = true
      app
        .use(oidcKoa(options))
        .use(requireKoa({ claims }))
        .use((ctx) => {
          ctx.body = 'mine'
        })
      return { app, listener: app.callback() as RequestListener }
    },
  ],
] as const

describe.each(frameworks)('a guard of %s whose check rejects', (_name, build) => {
  // Express takes some of these for a word to go on
  test.each([undefined, null, '', 0, false, 'route', 'router', 'text'])(
    'with %j lets nobody pass',
    async (thrown) => {
      vi.spyOn(console, 'error').mockImplementation(() => {})
      const { app, listener } = build(() => Promise.reject(thrown))
      const response = await fetch(await listen(listener), signedIn(app, ada))
      expect(response.status).toBe(500)
      expect(await response.text()).not.toContain('mine')
    },
  )
})

test('a refresh that is under way does not undo a logout', async () => {
  const told: unknown[] = []
  const setting = await startSetting(
    {
      name: 'a race',
      build(given) {
        const app = new Koa()
        app.use(oidcKoa(given))
        app.use(async (ctx, next) => (ctx.path === '/race' ? await next() : await guard(ctx, next)))
        app.use(async ({ path, oidc }) => {
          if (path !== '/race') return
          const refreshed = oidc.accessToken({ minLifetime: 1e9 }).catch((error) => error.code)
          await oidc.logout({ local: true })
          told.push(await refreshed, oidc.isAuthenticated)
        })
        const guard = requireKoa()
        return app.callback()
      },
    },
    { session: { secret, keep: ['accessToken', 'refreshToken'] } },
  )
  onTestFinished(() => setting.close())
  const browser = setting.browser()
  await browser.navigate(`${setting.app.url}/profile`)
  await browser.navigate(`${setting.app.url}/race`, { follow: false })
  expect(told).toEqual(['ERR_SESSION_ENDED', false])
  const session = browser.cookies(setting.app.url).map(({ key }) => key)
  expect(session.filter((name) => /^oidc-[0-9a-f]{6}$/.test(name))).toEqual([])
})
