import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { oidc, requireLogin } from '@countersign/fastify'
import { signedIn } from '@countersign/testing'
import fastify from 'fastify'
import { describe, expect, test, vi } from 'vitest'
import { secret } from '../support/setting.ts'
import { ask, create } from './support/fastify-app.ts'
import { ada, form, options } from './support/offline.ts'

describe('a guard', () => {
  test.each(['onRequest', 'preHandler'] as const)(
    'as %s lets nobody pass who goes away while the refusal is on its way',
    async (hook) => {
      const { app } = create({ forceCloseConnections: true })
      let reached = 0
      await app.register(oidc, options)
      app.addHook('onSend', async () => {
        await setTimeout(100)
      })
      const guarded = { [hook]: requireLogin({ claims: { role: 'admin' } }) }
      for (const method of ['GET', 'POST', 'DELETE']) {
        app.route({ method, url: '/d', ...guarded, handler: async () => `reached ${++reached}` })
      }
      await app.listen({ host: '127.0.0.1', port: 0 })
      const { port } = app.server.address() as AddressInfo
      for (const headers of [{}, signedIn(app, ada).headers]) {
        for (const method of ['GET', 'POST', 'DELETE']) {
          const type = { 'content-type': 'application/json' }
          const sent = request({
            host: '127.0.0.1',
            port,
            method,
            path: '/d',
            headers: { ...headers, ...type },
          })
          sent.on('error', () => {}).end(method === 'POST' ? '{}' : undefined)
          await setTimeout(40)
          sent.destroy()
          await setTimeout(120)
        }
      }
      expect(reached).toBe(0)
    },
  )

  test('of the whole app leaves our routes open, and those alone', async () => {
    const { app } = create({ routerOptions: { caseSensitive: false } })
    await app.register(oidc, options)
    app.addHook('onRequest', requireLogin())
    app.get('/', () => 'mine')
    expect((await ask(app, '/'))[0]).toBe(401)
    expect((await ask(app, '/nowhere'))[0]).toBe(401)
    expect((await ask(app, '/LOGOUT'))[0]).toBe(401)
    expect((await ask(app, '/logout'))[0]).toBe(303)
    expect((await ask(app, `/callback?state=${'a'.repeat(32)}&code=y`))[0]).toBe(400)
    expect(await ask(app, '/', signedIn(app, ada).headers)).toEqual([200, 'mine'])
  })

  test('is not opened by a path of ours that is rewritten to one of the app', async () => {
    const { app } = create({ rewriteUrl: ({ url }) => url?.replace('/login', '/secret') ?? '/' })
    await app.register(oidc, options)
    app.addHook('onRequest', requireLogin())
    app.get('/secret', () => 'secret')
    expect((await ask(app, '/login'))[0]).toBe(401)
  })

  test.each(['onRequest', 'preValidation', 'preHandler'] as const)(
    'as %s is not passed by a spelling of our paths',
    async (hook) => {
      const { app } = create({ routerOptions: { caseSensitive: false, ignoreTrailingSlash: true } })
      await app.register(oidc, options)
      await app.register((scope, _options, done) => {
        scope.addHook(hook, requireLogin())
        scope.setNotFoundHandler(async () => 'mine')
        done()
      })
      expect((await ask(app, '/nowhere'))[0]).toBe(401)
      for (const url of ['/%6Cogin', '/LOGIN', '/login/']) {
        expect([url, (await ask(app, url))[1]]).not.toEqual([url, 'mine'])
      }
    },
  )

  test.each(['preParsing', 'preSerialization', 'onSend'] as const)(
    'as %s is an error, and lets nobody pass',
    async (hook) => {
      const { app } = create()
      await app.register(oidc, options)
      app.addHook(hook as 'preHandler', requireLogin())
      app.get('/', () => ({ mine: true }))
      const [status, body] = await ask(app, '/')
      expect([status, body]).toEqual([500, expect.not.stringContaining('mine')])
    },
  )

  test('that is called by a hook of the app lets nobody pass either', async () => {
    const { app } = create()
    await app.register(oidc, options)
    const [login, admin] = [requireLogin(), requireLogin({ claims: { role: 'admin' } })]
    app.addHook('preHandler', async (request, reply) => {
      await login(request, reply)
      await admin(request, reply)
    })
    app.get('/', () => 'mine')
    expect((await ask(app, '/'))[0]).toBe(401)
    expect((await ask(app, '/', signedIn(app, ada).headers))[0]).toBe(403)
    const { headers } = signedIn(app, { ...ada, role: 'admin' })
    expect(await ask(app, '/', headers)).toEqual([200, 'mine'])
  })

  test.each([undefined, null, '', 0, false, 'route', 'text'])(
    'whose check rejects with %j lets nobody pass',
    async (thrown) => {
      const { app } = create()
      await app.register(oidc, options)
      const guard = requireLogin({ claims: () => Promise.reject(thrown) })
      app.get('/', { preHandler: [guard, async () => {}] }, () => 'mine')
      expect((await ask(app, '/', signedIn(app, ada).headers))[0]).toBe(500)
    },
  )

  test('that throws is an error of the app', async () => {
    const { app } = create()
    await app.register(oidc, options)
    const claims = () => {
      throw Object.assign(new Error('not now'), { statusCode: 418 })
    }
    app.get('/', { onRequest: requireLogin({ claims }) }, () => 'mine')
    expect((await ask(app, '/', signedIn(app, ada).headers))[0]).toBe(418)
  })
})

describe('a reply', () => {
  test('of login() and logout() is complete when they are done, slow hooks or not', async () => {
    const { app, warnings } = create()
    await app.register(oidc, options)
    app.addHook('onSend', async () => {
      await setTimeout(20)
    })
    app.get('/go', async (request) => {
      await request.oidc.logout({ local: true })
    })
    app.get('/go-on', async (request, reply) => {
      await request.oidc.logout({ local: true })
      return reply
    })
    for (const url of ['/go', '/go-on']) expect(await ask(app, url)).toEqual([303, ''])
    expect(warnings).toEqual([])
  })

  test('that is hijacked has the cookies, and can still be a logout', async () => {
    const { app, warnings } = create()
    await app.register(oidc, options)
    app.get('/hijack', async (request, reply) => {
      reply.hijack()
      await request.oidc.logout({ local: true })
    })
    const { statusCode, cookies, headers } = await app.inject({
      url: '/hijack',
      headers: signedIn(app, ada).headers,
    })
    expect([statusCode, headers['location']]).toEqual([303, '/'])
    expect(cookies.filter(({ maxAge }) => maxAge === 0)).not.toEqual([])
    expect(warnings).toEqual([])
  })

  test('of a logout is not undone by a hook that looks at the End-User afterwards', async () => {
    const { app } = create()
    await app.register(oidc, { ...options, session: { secret, idleTimeout: 3600 } })
    const seen: unknown[] = []
    app.addHook('onSend', async ({ oidc: { isAuthenticated } }) => {
      seen.push(isAuthenticated)
    })
    const { headers } = signedIn(app, ada)
    // So late that a session in use is written again
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 120_000 })
    const { cookies } = await app
      .inject({ url: '/logout', headers })
      .finally(() => vi.useRealTimers())
    expect(seen).toEqual([false])
    const last = new Map(cookies.map(({ name, maxAge }) => [name, maxAge]))
    expect([...last].filter(([name]) => !name.endsWith('.out')).map(([, age]) => age)).toEqual([0])
  })

  test('of another who was quicker is left alone', async () => {
    const { app, warnings } = create()
    await app.register(oidc, options)
    app.get('/', async (request, reply) => {
      reply.raw.end('mine')
      await request.oidc.logout({ local: true })
    })
    expect(await ask(app, '/')).toEqual([200, 'mine'])
    expect(warnings).toEqual([])
  })

  test('has none of the content type that the app had prepared', async () => {
    const { app } = create()
    await app.register(oidc, options)
    app.addHook('onRequest', async (_request, reply) => void reply.type('text/html'))
    const { headers } = await app.inject('/logout')
    expect(headers).not.toHaveProperty('content-type')
  })

  test("is a plain 404 where only the app's router takes a path for ours", async () => {
    const { app } = create({ routerOptions: { caseSensitive: false, ignoreTrailingSlash: true } })
    await app.register(oidc, options)
    app.setNotFoundHandler((_request, reply) => reply.code(404).send('mine'))
    for (const url of ['/LOGOUT', '/logout/']) expect(await ask(app, url)).toEqual([404, ''])
    expect(await ask(app, '/logout')).toEqual([303, ''])
  })

  test('keeps the content type of problem details as RFC 9457 has it', async () => {
    const { app } = create()
    await app.register(oidc, options)
    app.get('/me', { preHandler: requireLogin() }, () => 'never')
    const { statusCode, headers } = await app.inject('/me')
    expect([statusCode, headers['content-type']]).toEqual([401, 'application/problem+json'])
  })
})

test('HTTP/2 is served as HTTP/1.1 is', async () => {
  const app = fastify({ http2: true, forceCloseConnections: true })
  await app.register(oidc, options)
  app.get('/me', { onRequest: requireLogin() }, ({ oidc: { user } }) => user)
  await app.listen({ host: '127.0.0.1', port: 0 })
  const session = connect(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}`)
  async function send(headers: Record<string, string>, body?: string) {
    const stream = session.request(headers, { endStream: body === undefined })
    if (body !== undefined) stream.end(body)
    const [head] = await once(stream, 'response')
    const text = (await stream.setEncoding('utf8').toArray()).join('')
    return { status: head[':status'], cookies: head['set-cookie'], text }
  }
  try {
    const { headers } = signedIn(app, ada)
    expect(await send({ ':path': '/me', ...headers })).toMatchObject({
      status: 200,
      text: JSON.stringify(ada),
    })
    expect((await send({ ':path': '/me' })).status).toBe(401)
    const posted = { ':method': 'POST', ...form }
    const callback = await send(
      { ':path': '/callback', ...posted },
      `state=${'a'.repeat(32)}&code=y`,
    )
    expect([callback.status, JSON.parse(callback.text).code]).toEqual([
      400,
      'ERR_TRANSACTION_MISSING',
    ])
    const large = await send({ ':path': '/callback', ...posted }, 'x'.repeat(100_000))
    expect([large.status, JSON.parse(large.text).code]).toEqual([413, 'ERR_BODY_TOO_LARGE'])
    const left = await send({ ':path': '/logout', ...headers })
    expect(left).toMatchObject({ status: 303, cookies: expect.any(Array) })
  } finally {
    session.destroy()
    await app.close()
  }
})
