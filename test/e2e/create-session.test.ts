import { once } from 'node:events'
import type { AnyOptions } from '@countersign/core'
import * as onExpress from '@countersign/express'
import * as onFastify from '@countersign/fastify'
import * as onKoa from '@countersign/koa'
import { createSession, signedIn } from '@countersign/testing'
import express from 'express'
import session from 'express-session'
import fastify from 'fastify'
import Koa from 'koa'
import { afterEach, describe, expect, test } from 'vitest'
import { secret } from '../support/setting.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

type Headers = Readonly<Record<string, string>>

/** An app whose one page shows the End-User to whoever is signed in. */
interface Subject {
  readonly app: object
  visit(headers: Headers): Promise<{ readonly status: number; readonly text: string }>
}

/** Visits what listens. */
async function visitServer(server: import('node:http').Server, headers: Headers) {
  if (!server.listening) await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const response = await fetch(`http://127.0.0.1:${port}/profile`, { headers })
  return { status: response.status, text: await response.text() }
}

const frameworks: readonly { name: string; build(options: AnyOptions): Promise<Subject> }[] = [
  {
    name: 'Express',
    async build(options) {
      const app = express().use(onExpress.oidc(options))
      app.get('/profile', onExpress.requireLogin(), (req, res) => void res.json(req.oidc.user))
      const server = app.listen(0, '127.0.0.1')
      closing.push(() => server.close())
      return { app, visit: (headers) => visitServer(server, headers) }
    },
  },
  {
    name: 'Koa',
    async build(options) {
      const app = new Koa().use(onKoa.oidc(options)).use(onKoa.requireLogin())
      app.use((ctx) => {
        ctx.body = ctx.oidc.user
      })
      const server = app.listen(0, '127.0.0.1')
      closing.push(() => server.close())
      return { app, visit: (headers) => visitServer(server, headers) }
    },
  },
  {
    name: 'Fastify',
    async build(options) {
      const app = fastify()
      await app.register(onFastify.oidc, options)
      app.get('/profile', { onRequest: onFastify.requireLogin() }, async ({ oidc }) => oidc.user)
      closing.push(() => app.close())
      return {
        app,
        async visit(headers) {
          const { statusCode, body } = await app.inject({ url: '/profile', headers })
          return { status: statusCode, text: body }
        },
      }
    },
  },
]

const shared = { clientAuth: { method: 'none' }, baseUrl: 'http://localhost:3000' } as const
const one = { ...shared, issuer: 'https://op.example', clientId: 'app' }
const two = {
  ...shared,
  providers: {
    staff: { issuer: 'https://staff.example', clientId: 'app' },
    guests: { issuer: 'https://guests.example', clientId: 'app' },
  },
}
const claims = { sub: 'ada', name: 'Ada' }

describe.each(frameworks)('createSession() with $name', ({ build }) => {
  test.each([
    ['cookies', () => ({ ...one, session: { secret } })],
    ['a store', () => ({ ...one, session: { secret, store: new session.MemoryStore() } })],
    [
      'cookies and a store for logouts',
      () => ({ ...one, session: { secret }, logout: { store: new session.MemoryStore() } }),
    ],
  ])('signs in to an app with %s', async (_place, options) => {
    const { app, visit } = await build(options())
    const { cookie, headers } = await createSession(app, claims)
    expect(headers).toEqual({ cookie })
    const page = await visit(headers)
    expect([page.status, JSON.parse(page.text)]).toEqual([200, claims])
    expect((await visit({})).status).toBe(401)
  })

  test('signs in at the provider that is named', async () => {
    const store = new session.MemoryStore()
    const { app, visit } = await build({ ...two, session: { secret, store } })
    const { headers } = await createSession(app, claims, { provider: 'guests' })
    expect((await visit(headers)).status).toBe(200)
    await expect(createSession(app, claims, { provider: 'nobody' })).rejects.toThrow(
      new TypeError('there is no provider "nobody"'),
    )
  })

  test('is what signedIn() asks for where there is a store', async () => {
    const store = new session.MemoryStore()
    const { app } = await build({ ...one, session: { secret, store } })
    const message =
      'signedIn() cannot wait for the store that "app" has: use "await createSession(app, claims)"'
    expect(() => signedIn(app, claims)).toThrow(new TypeError(message))
  })
})

describe('createSession()', () => {
  const middleware = (options: object) =>
    onExpress.oidc({ ...one, session: { secret }, ...options })

  test("says so where sessions are in the app's own", async () => {
    const app = middleware({ session: { secret, store: 'framework' } })
    const message =
      'sessions are in the app\'s own ("session.store" is "framework"), which cannot be made from outside'
    await expect(createSession(app, claims)).rejects.toThrow(new TypeError(message))
    expect(() => signedIn(app, claims)).toThrow(new TypeError(message))
  })

  test('looks a provider up, and must be told which', async () => {
    const app = onExpress.oidc({
      ...shared,
      providers: async (id: string) =>
        id === 'acme' ? { issuer: 'https://acme.example', clientId: 'app' } : undefined,
      session: { secret, store: new session.MemoryStore() },
    })
    await createSession(app, claims, { provider: 'acme' })
    const { sessions } = app.relyingParty
    expect(await sessions.list('ada', { provider: 'acme' })).toMatchObject([
      { provider: 'acme', issuer: 'https://acme.example' },
    ])
    await expect(createSession(app, claims)).rejects.toThrow('"provider" must be given')
    await expect(createSession(app, claims, { provider: 'other' })).rejects.toThrow(
      new TypeError('there is no provider "other"'),
    )
  })

  test('fails as the store does', async () => {
    const fail = (...call: readonly unknown[]) => {
      const done = call.at(-1)
      if (typeof done === 'function') done(new Error('down'))
    }
    const store = { get: fail, set: fail, destroy: fail }
    const app = middleware({ session: { secret, store } })
    await expect(createSession(app, claims)).rejects.toMatchObject({ code: 'ERR_SESSION_STORE' })
    // Nobody is left waiting for what signedIn() has begun
    expect(() => signedIn(app, claims)).toThrow('signedIn() cannot wait')
  })
})
