/**
 * The app under test on Fastify 5.
 *
 * @module
 */

import { createServer, type RequestListener } from 'node:http'
import { basename, dirname } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { OidcError, oidc, requireLogin } from '@countersign/fastify'
import cookie from '@fastify/cookie'
import formbody from '@fastify/formbody'
import files from '@fastify/static'
import fastify, { type FastifyPluginAsync } from 'fastify'
import { type Framework, page, writeTwice } from '../app.ts'

const build: Framework['build'] = async (options, { hasBodyParser, mountPath }) => {
  let listener: RequestListener | undefined
  const app = fastify({
    forceCloseConnections: true,
    serverFactory(handler) {
      listener = handler
      return createServer()
    },
  })
  app.setErrorHandler(({ status = 500, code, message }: Partial<OidcError>, _request, reply) =>
    reply.code(status).send({ code, message }),
  )
  const site: FastifyPluginAsync = async (scope) => {
    if (hasBodyParser) await scope.register(formbody)
    await scope.register(cookie, { secret: 'a secret of the app' })
    await scope.register(files, { root: dirname(page), serve: false })
    await scope.register(oidc, options)
    await scope.register(pages(mountPath, hasBodyParser))
  }
  await app.register(site, { prefix: mountPath })
  await app.ready()
  if (!listener) throw new Error('the app has no listener')
  return listener
}

function pages(mountPath: string, hasBodyParser: boolean): FastifyPluginAsync {
  return async (app) => {
    app.get('/public', async ({ oidc }) => ({
      isAuthenticated: oidc.isAuthenticated,
      sub: oidc.user?.sub,
    }))
    app.get('/untouched', async () => 'untouched')
    app.get('/profile', { onRequest: requireLogin() }, async ({ oidc }) => oidc.user)
    app.post('/profile', { onRequest: requireLogin() }, async ({ oidc }) => oidc.user)
    app.get('/claims', { preHandler: requireLogin() }, async ({ oidc }) => oidc.claims)
    const ok = async () => 'ok'
    app.get('/admin', { onRequest: requireLogin({ claims: { role: 'admin' } }) }, ok)
    app.get('/strong', { onRequest: requireLogin({ acr: 'strong' }) }, ok)
    app.get('/fresh', { onRequest: requireLogin({ maxAge: 0 }) }, ok)
    app.get('/otp', { onRequest: requireLogin({ amr: 'otp' }) }, ok)
    app.get('/at-two', { onRequest: requireLogin({ provider: 'two' }) }, ok)
    app.get('/which', async ({ oidc }) => ({ provider: oidc.provider, sub: oidc.user?.sub }))
    app.get('/start', ({ oidc }) => oidc.login({ returnTo: `${mountPath}/profile` }))
    app.get('/leave', ({ oidc }) => oidc.logout())
    app.get('/leave-here', ({ oidc }) => oidc.logout({ local: true }))
    app.get('/token', ({ oidc }) => oidc.accessToken())
    app.get('/userinfo', ({ oidc }) => oidc.userInfo())
    app.get('/refresh', async ({ oidc }) => {
      await oidc.refresh()
      const { scope, expiresAt } = oidc
      return { accessToken: await oidc.accessToken(), scope, expiresAt }
    })
    app.get('/stream', async ({ oidc }, reply) => {
      await oidc.refresh()
      return reply.send(writeTwice(`${oidc.user?.sub};`, 'end'))
    })
    app.get('/sse', async ({ oidc }, reply) => {
      await oidc.refresh()
      reply.hijack()
      reply.raw.writeHead(200, { 'content-type': 'text/event-stream' })
      writeTwice(`data: ${oidc.user?.sub}\n\n`, 'data: end\n\n').pipe(reply.raw)
    })
    app.get('/file', async ({ oidc }, reply) => {
      await oidc.refresh()
      return reply.sendFile(basename(page))
    })
    app.get('/both', async ({ oidc }, reply) => {
      reply.setCookie('before', '1', { signed: true })
      await oidc.refresh()
      reply.setCookie('after', '1', { signed: true })
      return 'ok'
    })
    app.get('/late', async ({ oidc }, reply) => {
      reply.hijack()
      reply.raw.write('started;')
      await oidc.logout({ local: true }).catch((error: unknown) => {
        reply.raw.end(error instanceof OidcError ? error.code : String(error))
      })
    })
    app.get('/broken', async (_request, reply) => {
      reply.raw.write('started;')
      throw new Error('broken')
    })
    if (!hasBodyParser)
      app.addContentTypeParser('*', (_request, stream, done) => done(null, stream))
    app.post('/echo', async ({ body }, reply) => {
      reply.type('application/json')
      return JSON.stringify(hasBodyParser ? body : await text(body as Readable))
    })
    app.get('/spill', async ({ oidc }) => {
      await oidc.refresh()
      throw new Error('spilled')
    })
    app.get('/boom', async () => {
      throw new Error('boom')
    })
  }
}

/** Fastify 5. */
export const fastify5App: Framework = { name: 'Fastify 5', build }
