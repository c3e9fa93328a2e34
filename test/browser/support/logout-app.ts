/**
 * An app with sessions on the server, that sends the headers about frames that most apps send.
 *
 * @module
 */

import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Options } from '@countersign/core'
import * as express from '@countersign/express'
import * as fastify from '@countersign/fastify'
import * as koa from '@countersign/koa'
import createExpress from 'express'
import session from 'express-session'
import createFastify from 'fastify'
import Koa from 'koa'

/** A framework, and how an app is made with it: `GET /` is public, `GET /profile` is not. */
export interface LogoutApp {
  readonly name: string
  build(options: Options): RequestListener | Promise<RequestListener>
}

/** As Helmet sets them before any handler, but that its X-Frame-Options is SAMEORIGIN. */
const headers = {
  'content-security-policy': "default-src 'self'; frame-ancestors 'self'",
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
}

function describe(sub: string | undefined): string {
  return `<h1>${sub ?? 'nobody'}</h1><a href="/">Home</a>`
}

/** One for each adapter. */
export const logoutApps: readonly LogoutApp[] = [
  {
    name: 'Express',
    build(options) {
      const app = createExpress()
      app.use((_req, res, next) => {
        res.set(headers)
        next()
      })
      app.use(express.oidc(options))
      app.get('/', (req, res) => void res.send(describe(req.oidc.user?.sub)))
      app.get('/profile', express.requireLogin(), (req, res) => {
        res.send(describe(req.oidc.user?.sub))
      })
      return app
    },
  },
  {
    name: 'Koa',
    build(options) {
      const app = new Koa()
      app.use(async (ctx, next) => {
        ctx.set(headers)
        await next()
      })
      app.use(koa.oidc(options))
      const guard = koa.requireLogin()
      app.use((ctx, next) => (ctx.path === '/profile' ? guard(ctx, next) : next()))
      app.use((ctx) => {
        ctx.type = 'html'
        ctx.body = describe(ctx.oidc.user?.sub)
      })
      return app.callback()
    },
  },
  {
    name: 'Fastify',
    async build(options) {
      const app = createFastify()
      app.addHook('onRequest', async (_request, reply) => void reply.headers(headers))
      await app.register(fastify.oidc, options)
      app.get('/', async ({ oidc }, reply) =>
        reply.type('text/html').send(describe(oidc.user?.sub)),
      )
      app.get('/profile', { onRequest: fastify.requireLogin() }, async ({ oidc }, reply) =>
        reply.type('text/html').send(describe(oidc.user?.sub)),
      )
      await app.ready()
      return app.routing
    },
  },
]

/** A running app. */
export interface RunningApp {
  readonly url: string
  stop(): Promise<void>
}

/** Starts the app on a free port of loopback. */
export async function startLogoutApp(
  app: LogoutApp,
  options: (url: string) => Promise<Omit<Options, 'baseUrl' | 'session'>>,
): Promise<RunningApp> {
  let listener: RequestListener = (_req, res) => void res.writeHead(503).end()
  const server: Server = createServer((req, res) => void listener(req, res))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://localhost:${(server.address() as AddressInfo).port}`
  listener = await app.build({
    ...(await options(url)),
    baseUrl: url,
    session: {
      secret: 'a session secret for tests, and for nothing but tests',
      store: new session.MemoryStore(),
    },
  })
  return {
    url,
    async stop() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
