import type { RequestListener } from 'node:http'
import { oidc as oidcExpress } from '@countersign/express'
import { OidcError, oidc as oidcFastify } from '@countersign/fastify'
import { oidc as oidcKoa } from '@countersign/koa'
import { signedIn } from '@countersign/testing'
import express from 'express'
import fastify, { type FastifyInstance } from 'fastify'
import Koa from 'koa'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { ada, listen, options } from './support/offline.ts'

interface Bare {
  readonly listener: RequestListener
  /** What `signedIn()` takes. */
  readonly app: object
}

async function createFastify(prepare: (app: FastifyInstance) => void = () => {}): Promise<Bare> {
  const app = fastify()
  prepare(app)
  await app.register(oidcFastify, options)
  app.get('/token', async ({ oidc }) => await oidc.accessToken())
  app.get('/spill', async ({ oidc }) => {
    // A use of the session that writes it again
    if (!oidc.isAuthenticated) throw new Error('nobody')
    throw new Error('spilled')
  })
  await app.ready()
  return { listener: app.routing, app }
}

/** Each framework with nothing but `oidc`, and its default error handling. */
const frameworks: readonly (readonly [name: string, told: string, create: () => Promise<Bare>])[] =
  [
    [
      'Express',
      '<pre>Unauthorized</pre>',
      async () => {
        const app = express()
        app.use(oidcExpress(options))
        app.get('/token', async (req, res) => void res.send(await req.oidc.accessToken()))
        app.get('/spill', (req) => {
          throw new Error(req.oidc.isAuthenticated ? 'spilled' : 'nobody')
        })
        return { listener: app, app }
      },
    ],
    [
      'Koa',
      'Unauthorized',
      async () => {
        const app = new Koa()
        app.silent = true
        app.use(oidcKoa(options)).use(async ({ path, oidc }) => {
          if (path === '/token') await oidc.accessToken()
          throw new Error(oidc.isAuthenticated ? 'spilled' : 'nobody')
        })
        return { listener: app.callback(), app }
      },
    ],
    ['Fastify', '"message":"nobody is signed in"', createFastify],
  ]

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

describe.each(frameworks)('the default error handling of %s', (_name, told, create) => {
  test('answers an error of `oidc` with its status, and tells what the documents say', async () => {
    vi.stubEnv('NODE_ENV', 'production')
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const response = await fetch(`${await listen((await create()).listener)}/token`)
    expect([response.status, await response.text()]).toEqual([401, expect.stringContaining(told)])
  })

  test('keeps a session that was written before the error', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const bare = await create()
    const { headers } = signedIn(bare.app, ada)
    const url = await listen(bare.listener)
    // So late that a session in use is written again
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 120_000 })
    const response = await fetch(`${url}/spill`, { headers })
    expect(response.status).toBe(500)
    expect(response.headers.getSetCookie()).toEqual([expect.stringMatching(/^oidc-[^;]{100,};/)])
  })
})

test('an error handler of Fastify, as in the documents, tells no more than is public', async () => {
  const bare = await createFastify((app) => {
    app.setErrorHandler((error, _request, reply) => {
      if (!(error instanceof OidcError)) return reply.send(error)
      return reply.code(error.status).send({ code: error.code, message: error.publicMessage })
    })
  })
  const response = await fetch(`${await listen(bare.listener)}/token`)
  expect([response.status, await response.json()]).toEqual([
    401,
    { code: 'ERR_NOT_SIGNED_IN', message: expect.not.stringContaining('nobody') },
  ])
})
