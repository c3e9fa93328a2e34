/**
 * An app that has its Authentication Responses posted, which no environment variable asks for.
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
import createFastify from 'fastify'
import Koa from 'koa'

/** A framework, and how an app with the one page `GET /profile` is made with it. */
export interface FormPostApp {
  readonly name: string
  build(options: Options): RequestListener | Promise<RequestListener>
}

/** One for each adapter. */
export const formPostApps: readonly FormPostApp[] = [
  {
    name: 'Express',
    build(options) {
      const app = createExpress().use(express.oidc(options))
      return app.get('/profile', express.requireLogin(), (req, res) => {
        res.send(`signed in as ${req.oidc.user?.sub}`)
      })
    },
  },
  {
    name: 'Koa',
    build(options) {
      const app = new Koa().use(koa.oidc(options)).use(koa.requireLogin())
      app.use((ctx) => {
        ctx.body = `signed in as ${ctx.oidc.user?.sub}`
      })
      return app.callback()
    },
  },
  {
    name: 'Fastify',
    async build(options) {
      const app = createFastify()
      await app.register(fastify.oidc, options)
      app.get('/profile', { onRequest: fastify.requireLogin() }, async ({ oidc }) => {
        return `signed in as ${oidc.user?.sub}`
      })
      await app.ready()
      return app.routing
    },
  },
]

/** Starts the app on a free port of loopback. */
export async function startFormPostApp(
  app: FormPostApp,
  options: (url: string) => Promise<Omit<Options, 'baseUrl' | 'session' | 'authorization'>>,
): Promise<{ readonly url: string; stop(): Promise<void> }> {
  let listener: RequestListener = (_req, res) => void res.writeHead(503).end()
  const server: Server = createServer((req, res) => void listener(req, res))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://localhost:${(server.address() as AddressInfo).port}`
  listener = await app.build({
    ...(await options(url)),
    baseUrl: url,
    session: { secret: 'a session secret for tests, and for nothing but tests' },
    authorization: { response_mode: 'form_post' },
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
