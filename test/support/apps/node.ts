/**
 * The app under test without a framework: the fourth adapter, which belongs to the tests.
 *
 * @module
 */

import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { RequestListener, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout } from 'node:timers/promises'
import { OidcError } from '@countersign/core'
import { type Framework, page } from '../app.ts'
import { type Handler, requireLogin, withOidc } from '../node-adapter.ts'

const build: Framework['build'] = (options, { hasBodyParser, mountPath }) => {
  const pages = buildPages({ hasBodyParser, mountPath })
  const answer: Handler = async (request, response) => {
    const path = request.url?.split('?', 1)[0] ?? ''
    const handler = path.startsWith(`${mountPath}/`)
      ? pages[path.slice(mountPath.length)]
      : undefined
    if (handler) await handler(request, response)
    else response.writeHead(404).end()
  }
  const listener = withOidc(options, answer, answerError)
  return hasBodyParser ? parsing(listener) : listener
}

function answerError(error: unknown, response: ServerResponse): void {
  if (response.headersSent) return void response.destroy()
  const { status = 500, code, message } = error as Partial<OidcError>
  response.statusCode = status
  json(response, { code, message })
}

/** Parses forms before anything else happens, as body parsers do. */
function parsing(listener: RequestListener): RequestListener {
  return async (request, response) => {
    const type = request.headers['content-type']
    if (type !== 'application/x-www-form-urlencoded') return listener(request, response)
    const body = await text(request).catch(() => '')
    if (body.length > 100_000) return response.writeHead(413).end()
    const form = Object.fromEntries(new URLSearchParams(body))
    return listener(Object.assign(request, { body: form }), response)
  }
}

function json(response: ServerResponse, value: unknown): void {
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify(value))
}

function buildPages({
  hasBodyParser,
  mountPath,
}: {
  hasBodyParser: boolean
  mountPath: string
}): Readonly<Record<string, Handler>> {
  const ok: Handler = (_request, response) => response.end('ok')
  return {
    '/public': ({ oidc }, response) =>
      json(response, { isAuthenticated: oidc.isAuthenticated, sub: oidc.user?.sub }),
    '/untouched': (_request, response) => response.end('untouched'),
    '/profile': requireLogin(({ oidc }, response) => json(response, oidc.user)),
    '/claims': requireLogin(({ oidc }, response) => json(response, oidc.claims)),
    '/admin': requireLogin(ok, { claims: { role: 'admin' } }),
    '/strong': requireLogin(ok, { acr: 'strong' }),
    '/fresh': requireLogin(ok, { maxAge: 0 }),
    '/otp': requireLogin(ok, { amr: 'otp' }),
    '/at-two': requireLogin(ok, { provider: 'two' }),
    '/which': ({ oidc }, response) =>
      json(response, { provider: oidc.provider, sub: oidc.user?.sub }),
    '/start': ({ oidc }) => oidc.login({ returnTo: `${mountPath}/profile` }),
    '/leave': ({ oidc }) => oidc.logout(),
    '/leave-here': ({ oidc }) => oidc.logout({ local: true }),
    '/token': async ({ oidc }, response) => response.end(await oidc.accessToken()),
    '/userinfo': async ({ oidc }, response) => json(response, await oidc.userInfo()),
    '/refresh': async ({ oidc }, response) => {
      await oidc.refresh()
      const { scope, expiresAt } = oidc
      json(response, { accessToken: await oidc.accessToken(), scope, expiresAt })
    },
    '/stream': async ({ oidc }, response) => {
      await oidc.refresh()
      response.write(`${oidc.user?.sub};`)
      await setTimeout(20)
      response.end('end')
    },
    '/sse': async ({ oidc }, response) => {
      await oidc.refresh()
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`data: ${oidc.user?.sub}\n\n`)
      await setTimeout(20)
      response.end('data: end\n\n')
    },
    '/file': async (request, response) => {
      await request.oidc.refresh()
      const content = await readFile(page)
      const etag = `"${createHash('sha256').update(content).digest('hex')}"`
      response.setHeader('etag', etag)
      if (request.headers['if-none-match'] === etag) response.writeHead(304).end()
      else response.end(content)
    },
    '/both': async ({ oidc }, response) => {
      response.appendHeader('set-cookie', 'before=1')
      await oidc.refresh()
      response.appendHeader('set-cookie', 'after=1')
      response.end('ok')
    },
    '/late': async ({ oidc }, response) => {
      response.write('started;')
      await oidc.logout({ local: true }).catch((error: unknown) => {
        response.end(error instanceof OidcError ? error.code : String(error))
      })
    },
    '/broken': (_request, response) => {
      response.write('started;')
      throw new Error('broken')
    },
    '/echo': async (request, response) =>
      json(response, hasBodyParser ? request.body : await text(request)),
    '/boom': () => {
      throw new Error('boom')
    },
    '/spill': async ({ oidc }) => {
      await oidc.refresh()
      throw new Error('spilled')
    },
  }
}

/** Plain `node:http`. */
export const nodeApp: Framework = { name: 'node:http', build }
