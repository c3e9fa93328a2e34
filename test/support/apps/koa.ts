/**
 * The app under test on Koa 3 and 2.
 *
 * @module
 */

import { createReadStream } from 'node:fs'
import { text } from 'node:stream/consumers'
import { OidcError, oidc, requireLogin } from '@countersign/koa'
import { bodyParser } from '@koa/bodyparser'
import Router from '@koa/router'
import koa3 from 'koa'
import mount from 'koa-mount'
import koa2 from 'koa2'
import { type Framework, page, writeTwice } from '../app.ts'

function build(koa: typeof koa3): Framework['build'] {
  return (options, { hasBodyParser, mountPath }) => {
    const app = new koa()
    app.silent = true
    app.keys = ['a key of the app, for cookies of its own']
    app.use(answerErrors)
    const inner = mountPath === '' ? app : new koa()
    if (hasBodyParser) inner.use(bodyParser())
    inner.use(oidc(options))
    inner.use(buildRouter(mountPath).routes())
    if (inner !== app) app.use(mount(mountPath, inner))
    return app.callback()
  }
}

const answerErrors: koa3.Middleware = async (ctx, next) => {
  try {
    await next()
  } catch (error) {
    if (ctx.headerSent) {
      // Koa leaves it open
      ctx.res.destroy()
      throw error
    }
    const { status = 500, code, message } = error as Partial<OidcError>
    ctx.status = status
    ctx.body = { code, message }
  }
}

function buildRouter(mountPath: string): Router {
  const router = new Router()
  router.get('/public', (ctx) => {
    ctx.body = { isAuthenticated: ctx.oidc.isAuthenticated, sub: ctx.oidc.user?.sub }
  })
  router.get('/untouched', (ctx) => {
    ctx.body = 'untouched'
  })
  router.get('/profile', requireLogin(), (ctx) => {
    ctx.body = ctx.oidc.user
  })
  router.post('/profile', requireLogin(), (ctx) => {
    ctx.body = ctx.oidc.user
  })
  router.get('/claims', requireLogin(), (ctx) => {
    ctx.body = ctx.oidc.claims
  })
  const ok: koa3.Middleware = (ctx) => {
    ctx.body = 'ok'
  }
  router.get('/admin', requireLogin({ claims: { role: 'admin' } }), ok)
  router.get('/strong', requireLogin({ acr: 'strong' }), ok)
  router.get('/fresh', requireLogin({ maxAge: 0 }), ok)
  router.get('/otp', requireLogin({ amr: 'otp' }), ok)
  router.get('/at-two', requireLogin({ provider: 'two' }), ok)
  router.get('/which', (ctx) => {
    ctx.body = { provider: ctx.oidc.provider, sub: ctx.oidc.user?.sub }
  })
  router.get('/start', (ctx) => ctx.oidc.login({ returnTo: `${mountPath}/profile` }))
  router.get('/leave', (ctx) => ctx.oidc.logout())
  router.get('/leave-here', (ctx) => ctx.oidc.logout({ local: true }))
  router.get('/token', async (ctx) => {
    ctx.body = await ctx.oidc.accessToken()
  })
  router.get('/userinfo', async (ctx) => {
    ctx.body = await ctx.oidc.userInfo()
  })
  router.get('/refresh', async (ctx) => {
    await ctx.oidc.refresh()
    const { scope, expiresAt } = ctx.oidc
    ctx.body = { accessToken: await ctx.oidc.accessToken(), scope, expiresAt }
  })
  router.get('/stream', async (ctx) => {
    await ctx.oidc.refresh()
    ctx.body = writeTwice(`${ctx.oidc.user?.sub};`, 'end')
  })
  router.get('/sse', async (ctx) => {
    await ctx.oidc.refresh()
    ctx.type = 'text/event-stream'
    ctx.flushHeaders()
    ctx.body = writeTwice(`data: ${ctx.oidc.user?.sub}\n\n`, 'data: end\n\n')
  })
  router.get('/file', async (ctx) => {
    await ctx.oidc.refresh()
    ctx.etag = 'a page'
    ctx.status = 200
    if (ctx.fresh) ctx.status = 304
    else ctx.body = createReadStream(page)
  })
  router.get('/both', async (ctx) => {
    ctx.cookies.set('before', '1', { signed: true })
    await ctx.oidc.refresh()
    ctx.cookies.set('after', '1', { signed: true })
    ctx.body = 'ok'
  })
  router.get('/late', async (ctx) => {
    ctx.respond = false
    ctx.res.write('started;')
    await ctx.oidc.logout({ local: true }).catch((error: unknown) => {
      ctx.res.end(error instanceof OidcError ? error.code : String(error))
    })
  })
  router.get('/broken', (ctx) => {
    ctx.res.write('started;')
    throw new Error('broken')
  })
  router.post('/echo', async (ctx) => {
    ctx.body = JSON.stringify(ctx.request.body ?? (await text(ctx.req)))
  })
  router.get('/boom', () => {
    throw new Error('boom')
  })
  router.get('/spill', async (ctx) => {
    await ctx.oidc.refresh()
    throw new Error('spilled')
  })
  return router
}

/** Koa 3. */
export const koa3App: Framework = { name: 'Koa 3', build: build(koa3) }

/** Koa 2. */
export const koa2App: Framework = { name: 'Koa 2', build: build(koa2) }
