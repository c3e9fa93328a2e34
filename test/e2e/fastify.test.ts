import { createRelyingParty, type KeySource, oidc, requireLogin } from '@countersign/fastify'
import { signedIn } from '@countersign/testing'
import formbody from '@fastify/formbody'
import type { FastifyInstance } from 'fastify'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { ask, create, open } from './support/fastify-app.ts'
import { ada, form, options } from './support/offline.ts'

const { clientAuth: _, ...withKey } = options

afterEach(() => {
  vi.unstubAllEnvs()
})

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

  test('hides its routes from API documents, as @fastify/swagger reads them', async () => {
    const { app } = create()
    const hidden: unknown[] = []
    app.addHook('onRoute', ({ schema }) => {
      hidden.push({ ...schema })
    })
    await app.register(oidc, options)
    expect(hidden).toEqual(app.relyingParty.routes.map(() => ({ hide: true })))
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
    const close = vi.fn(async () => {})
    const clientKey: KeySource = { name: 'a test', keys: async () => [], close }
    const { app } = create()
    await app.register(oidc, createRelyingParty({ ...withKey, clientKey }))
    await app.close()
    expect(close).not.toHaveBeenCalled()
    const { app: other } = create()
    await other.register(oidc, { ...withKey, clientKey })
    await other.close()
    expect(close).toHaveBeenCalledOnce()
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

test("a session of the app's own making is not read: ours is in its cookie", async () => {
  const { app } = create()
  app.decorateRequest('session', {
    getter() {
      throw new Error('was read')
    },
  })
  await app.register(oidc, options)
  app.get('/', (request) => ({ isAuthenticated: request.oidc.isAuthenticated }))
  expect(await ask(app, '/')).toEqual([200, '{"isAuthenticated":false}'])
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
