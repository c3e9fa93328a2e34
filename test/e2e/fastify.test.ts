import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { Writable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import {
  createRelyingParty,
  type OidcPluginOptions,
  oidc,
  requireLogin,
} from '@countersign/fastify'
import { signedIn } from '@countersign/testing'
import formbody from '@fastify/formbody'
import fastify, {
  type FastifyInstance,
  type FastifyPluginAsync,
  type FastifyServerOptions,
} from 'fastify'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { secret } from '../support/setting.ts'

const options = {
  issuer: 'http://127.0.0.1:1',
  clientId: 'app',
  clientAuth: { method: 'none' },
  baseUrl: 'http://localhost:3000',
  session: { secret },
} as const

const ada = { sub: 'ada', name: 'Ada' }
const form = { 'content-type': 'application/x-www-form-urlencoded' }
const closing: FastifyInstance[] = []

afterEach(async () => {
  vi.unstubAllEnvs()
  for (const app of closing.splice(0)) await app.close()
})

/** An app, and what it has logged at the level of a warning or above. */
function create(settings: FastifyServerOptions = {}) {
  const warnings: string[] = []
  const stream = new Writable({
    write(line, _encoding, done) {
      warnings.push(String(line))
      done()
    },
  })
  const app = fastify({ logger: { level: 'warn', stream }, ...settings })
  closing.push(app)
  return { app, warnings }
}

/** A context of the app below a prefix, with a Relying Party of its own. */
async function open(app: FastifyInstance, prefix: string, own: OidcPluginOptions) {
  let opened = app
  const plugin: FastifyPluginAsync = async (scope) => {
    await scope.register(oidc, own)
    opened = scope
  }
  await app.register(plugin, { prefix })
  // A context is thenable: it must not be what a promise resolves to
  return { scope: opened }
}

async function ask(app: FastifyInstance, url: string, headers: Record<string, string> = {}) {
  const { statusCode, body } = await app.inject({ url, headers })
  return [statusCode, body]
}

describe('register()', () => {
  test('fails, and so does ready(), with every fault of the options', async () => {
    const wrong = { ...options, baseUrl: 'http://app.example', clientId: '' }
    const issues = [{ path: 'clientId' }, { path: 'baseUrl' }]
    const { app } = create()
    app.register(oidc, wrong)
    await expect(app.ready()).rejects.toMatchObject({ name: 'ConfigurationError', issues })
    const { app: other } = create()
    await expect(other.register(oidc, wrong)).rejects.toMatchObject({ issues })
  })

  test('without options reads the environment', async () => {
    vi.stubEnv('OIDC_ISSUER', 'https://op.example')
    vi.stubEnv('OIDC_CLIENT_ID', 'app')
    vi.stubEnv('OIDC_CLIENT_SECRET', 'a secret of a client that has no key')
    vi.stubEnv('OIDC_BASE_URL', 'http://localhost:3000')
    vi.stubEnv('OIDC_SESSION_SECRET', 'x'.repeat(32))
    const { app } = create()
    await app.register(oidc)
    expect(app.relyingParty.issuer).toBe('https://op.example')
  })

  test('adds real routes, and an error of Fastify for one that the app has already', async () => {
    const { app } = create()
    await app.register(oidc, options)
    for (const url of ['/login', '/callback', '/logout']) {
      expect(app.hasRoute({ method: 'GET', url })).toBe(true)
    }
    const { app: other } = create()
    other.get('/login', () => 'mine')
    await expect(other.register(oidc, options)).rejects.toMatchObject({
      code: 'FST_ERR_DUPLICATED_ROUTE',
    })
  })

  test('closes the Relying Party that it has made, and leaves alone the one it was given', async () => {
    const given = createRelyingParty(options)
    const close = vi.fn(given.close)
    const { app } = create()
    await app.register(oidc, { ...given, close })
    await app.close()
    expect(close).not.toHaveBeenCalled()
    const { app: other } = create()
    await other.register(oidc, options)
    await other.close()
  })
})

describe('a prefix', () => {
  const below = { ...options, baseUrl: 'http://localhost:3000/team/app' }

  test('of the context is the path of "baseUrl"', async () => {
    const { app } = create()
    const { scope } = await open(app, '/team/app', below)
    scope.get('/me', { onRequest: requireLogin() }, ({ oidc: { user } }) => user)
    expect(await ask(app, '/team/app/me', signedIn(scope, ada).headers)).toEqual([
      200,
      JSON.stringify(ada),
    ])
    expect(await ask(app, '/team/app/logout')).toEqual([303, ''])
    expect((await ask(app, '/logout'))[0]).toBe(404)
  })

  test('of the plugin is too', async () => {
    const { app } = create()
    await app.register(oidc, { ...below, prefix: '/team/app' })
    expect(await ask(app, '/team/app/logout')).toEqual([303, ''])
    expect((await ask(app, '/logout'))[0]).toBe(404)
  })

  test('that a proxy takes away, or leaves, is no matter', async () => {
    const { app } = create()
    await app.register(oidc, below)
    expect(await ask(app, '/team/app/logout')).toEqual([303, ''])
    expect(await ask(app, '/logout')).toEqual([303, ''])
  })

  test('that is another than that of "baseUrl" is a fault of the configuration', async () => {
    const { app } = create()
    await expect(app.register(oidc, { ...options, prefix: '/auth' })).rejects.toMatchObject({
      issues: [{ path: 'baseUrl', message: expect.stringContaining('"/auth"') }],
    })
  })
})

describe('encapsulation', () => {
  test('two contexts have two Relying Parties, and the app around them has none', async () => {
    const { app } = create()
    const at = (path: string) => ({
      ...options,
      clientId: path,
      baseUrl: `http://localhost${path}`,
    })
    const { scope: a } = await open(app, '/a', at('/a'))
    const { scope: b } = await open(app, '/b', at('/b'))
    for (const scope of [a, b]) {
      scope.get('/me', { onRequest: requireLogin() }, ({ oidc: { claims } }) => claims?.aud)
    }
    app.get('/outside', { onRequest: requireLogin() }, () => 'never')
    const { headers } = signedIn(a, ada)
    expect(await ask(app, '/a/me', headers)).toEqual([200, '/a'])
    expect((await ask(app, '/b/me', headers))[0]).toBe(401)
    expect(await ask(app, '/b/me', signedIn(b, ada).headers)).toEqual([200, '/b'])
    const [status, body] = await ask(app, '/outside')
    expect([status, body]).toEqual([500, expect.stringContaining('needs app.register(oidc)')])
  })

  test("hooks of the app see the End-User on the Relying Party's own routes too", async () => {
    const { app } = create()
    await app.register(oidc, options)
    const seen: unknown[] = []
    app.addHook('onRequest', async (request) => {
      seen.push(request.oidc.user?.sub)
    })
    await app.inject({ url: '/logout', headers: signedIn(app, ada).headers })
    expect(seen).toEqual(['ada'])
  })
})

describe('parsers', () => {
  const post = {
    method: 'POST',
    url: '/callback',
    headers: form,
    payload: `state=${'a'.repeat(32)}&code=y`,
  } as const

  test.each<[string, (app: FastifyInstance) => unknown]>([
    ['no parser', () => {}],
    ['@fastify/formbody', (app) => app.register(formbody)],
    [
      'a parser of its own',
      (app) =>
        app.addContentTypeParser(
          Object.values(form),
          { parseAs: 'string' },
          (_request, body, done) => done(null, { own: body }),
        ),
    ],
    [
      'a parser for everything',
      (app) => app.addContentTypeParser('*', (_request, _stream, done) => done(new Error('mine'))),
    ],
  ])('of an app with %s are neither used nor changed', async (name, prepare) => {
    for (const order of ['before', 'after']) {
      const { app } = create()
      if (order === 'before') await prepare(app)
      await app.register(oidc, options)
      if (order === 'after') await prepare(app)
      app.post('/own', ({ body }) => body)
      const { statusCode, body } = await app.inject({ ...post })
      // The form was read: its state is nobody's
      expect([statusCode, JSON.parse(body).code]).toEqual([400, 'ERR_TRANSACTION_MISSING'])
      const own = await app.inject({ ...post, url: '/own' })
      expect(own.statusCode).toBe({ 'no parser': 415, 'a parser for everything': 500 }[name] ?? 200)
    }
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

  test("is left to the app's router where only that takes a path for ours", async () => {
    const { app } = create({ routerOptions: { caseSensitive: false, ignoreTrailingSlash: true } })
    await app.register(oidc, options)
    app.setNotFoundHandler((_request, reply) => reply.code(404).send('mine'))
    for (const url of ['/LOGOUT', '/logout/']) expect(await ask(app, url)).toEqual([404, 'mine'])
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
  const { connect } = await import('node:http2')
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
