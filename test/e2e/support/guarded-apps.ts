/**
 * An app whose pages demand something of the sign-in each, on every main framework.
 *
 * @module
 */

import { createServer, type RequestListener } from 'node:http'
import type { Requirements } from '@countersign/core'
import * as onExpress from '@countersign/express'
import * as onFastify from '@countersign/fastify'
import * as onKoa from '@countersign/koa'
import Router from '@koa/router'
import express from 'express'
import fastify from 'fastify'
import koa from 'koa'
import type { Framework } from '../../support/app.ts'

/** What each page demands, by its path. Each answers with the claims of the ID Token. */
export type Guards = Readonly<Record<string, Requirements>>

/** Makes the app, with `GET /public` besides: JSON `{ isAuthenticated }`. */
export function guardedFrameworks(guards: Guards): readonly Framework[] {
  return [
    { name: 'Express', build: (options) => buildExpress(options, guards) },
    { name: 'Koa', build: (options) => buildKoa(options, guards) },
    { name: 'Fastify', build: (options) => buildFastify(options, guards) },
  ]
}

type Options = Parameters<Framework['build']>[0]

function buildExpress(options: Options, guards: Guards): RequestListener {
  const app = express()
  app.use(onExpress.oidc(options))
  app.get('/public', ({ oidc: { isAuthenticated } }, res) => void res.json({ isAuthenticated }))
  for (const [path, requirements] of Object.entries(guards)) {
    app.get(
      path,
      onExpress.requireLogin(requirements),
      (req, res) => void res.json(req.oidc.claims),
    )
  }
  return app
}

function buildKoa(options: Options, guards: Guards): RequestListener {
  const app = new koa()
  app.use(onKoa.oidc(options))
  const router = new Router()
  router.get('/public', (ctx) => {
    ctx.body = { isAuthenticated: ctx.oidc.isAuthenticated }
  })
  for (const [path, requirements] of Object.entries(guards)) {
    router.get(path, onKoa.requireLogin(requirements), (ctx) => {
      ctx.body = ctx.oidc.claims
    })
  }
  app.use(router.routes())
  return app.callback()
}

async function buildFastify(options: Options, guards: Guards): Promise<RequestListener> {
  let listener: RequestListener | undefined
  const app = fastify({
    forceCloseConnections: true,
    serverFactory(handler) {
      listener = handler
      return createServer()
    },
  })
  await app.register(onFastify.oidc, options)
  app.get('/public', async ({ oidc: { isAuthenticated } }) => ({ isAuthenticated }))
  for (const [path, requirements] of Object.entries(guards)) {
    const guard = { onRequest: onFastify.requireLogin(requirements) }
    app.get(path, guard, async ({ oidc }) => oidc.claims)
  }
  await app.ready()
  if (!listener) throw new Error('the app has no listener')
  return listener
}
