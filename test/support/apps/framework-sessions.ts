/**
 * Small apps that have a session of their own, in every framework, where the login lives in it too.
 *
 * @module
 */

import { createServer, type RequestListener } from 'node:http'
import {
  requireLogin as expressGuard,
  oidc as expressOidc,
  type OidcError,
} from '@countersign/express'
import { requireLogin as fastifyGuard, oidc as fastifyOidc } from '@countersign/fastify'
import { requireLogin as koaGuard, oidc as koaOidc } from '@countersign/koa'
import cookie from '@fastify/cookie'
import secureSession from '@fastify/secure-session'
import fastifySession from '@fastify/session'
import Router from '@koa/router'
import express5 from 'express'
import expressSession, { MemoryStore, type Store } from 'express-session'
import express4 from 'express4'
import fastify, { type FastifyInstance } from 'fastify'
import koa3 from 'koa'
import koaSession from 'koa-session'
import koa2 from 'koa2'
import type { Framework } from '../app.ts'
import { type AppSession, type Pages, pages } from './session-pages.ts'

/** How the app's session is to be set up. */
export interface SessionSettings {
  /** Where it is, unless in a cookie. Default: a MemoryStore. */
  readonly store?: Store
  /** Whether `oidc()` comes before the session. */
  readonly isMisplaced?: boolean
}

/** A framework whose apps have a session. */
export interface SessionFramework {
  readonly name: string
  /** The name of the cookie. */
  readonly cookie: string
  readonly hasStore: boolean
  create(settings?: SessionSettings): Framework
}

const appSecret = 'a secret of the app, which is none of ours'

/** In the order in which they are to be: `first` is the session's. */
function order<Part>(isMisplaced: boolean | undefined, first: Part, second: Part): readonly Part[] {
  return isMisplaced ? [second, first] : [first, second]
}

function onExpress(name: string, express: typeof express5): SessionFramework {
  const create = ({ store = new MemoryStore(), isMisplaced }: SessionSettings = {}): Framework => ({
    name,
    build(options) {
      const app = express()
      const own = expressSession({
        store,
        secret: appSecret,
        resave: false,
        saveUninitialized: false,
        cookie: { sameSite: 'lax' },
      })
      app.use(...order<express5.RequestHandler>(isMisplaced, own, expressOidc(options)))
      for (const [path, { guard, answer }] of Object.entries<Pages[string]>(pages)) {
        const guards = guard ? [expressGuard(guard)] : []
        app.get(path, ...guards, (req, res, next) => {
          const destroy = () => new Promise<void>((resolve) => req.session.destroy(() => resolve()))
          const request = {
            oidc: req.oidc,
            get session() {
              return req.session as unknown as AppSession
            },
            destroy,
          }
          answer(request).then((body) => body !== undefined && res.json(body), next)
        })
      }
      const onError: express5.ErrorRequestHandler = (error, _req, res, next) => {
        if (res.headersSent) return next(error)
        res.status(error.status ?? 500).json({ code: error.code, message: error.message })
      }
      app.use(onError)
      return app
    },
  })
  return { name: `express-session on ${name}`, cookie: 'connect.sid', hasStore: true, create }
}

/** A store as koa-session wants it, over one made for express-session. */
function promiseStore(store: Store) {
  const call = (act: (done: (error?: unknown, value?: unknown) => void) => void) =>
    new Promise<unknown>((resolve, reject) => {
      act((error, value) => (error ? reject(error) : resolve(value)))
    })
  return {
    get: (key: string) => call((done) => store.get(key, done)),
    set: async (key: string, value: object) => {
      const expires = new Date(Date.now() + 60_000)
      const record = { cookie: { expires, originalMaxAge: 60_000 }, ...value }
      await call((done) => store.set(key, record, done))
    },
    destroy: async (key: string) => void (await call((done) => store.destroy(key, done))),
  }
}

function onKoa(name: string, koa: typeof koa3, hasStore: boolean): SessionFramework {
  const create = ({ store = new MemoryStore(), isMisplaced }: SessionSettings = {}): Framework => ({
    name,
    build(options) {
      const app = new koa()
      app.silent = true
      app.keys = [appSecret]
      app.use(async (ctx, next) => {
        try {
          await next()
        } catch (error) {
          const { status = 500, code, message } = error as Partial<OidcError>
          ctx.status = status
          ctx.body = { code, message }
        }
      })
      const settings = { sameSite: 'lax', ...(hasStore && { store: promiseStore(store) }) }
      const own = koaSession(settings as never, app as never) as unknown as koa3.Middleware
      for (const part of order<koa3.Middleware>(isMisplaced, own, koaOidc(options))) app.use(part)
      const router = new Router()
      for (const [path, { guard, answer }] of Object.entries<Pages[string]>(pages)) {
        if (guard) router.use(path, koaGuard(guard))
        router.get(path, async (ctx) => {
          const context = ctx as unknown as { session: AppSession | null }
          const body = await answer({
            oidc: ctx.oidc,
            get session() {
              return context.session ?? {}
            },
            async destroy() {
              context.session = null
            },
          })
          if (body !== undefined) ctx.body = body
        })
      }
      app.use(router.routes())
      return app.callback()
    },
  })
  const kind = hasStore ? 'koa-session with a store' : 'koa-session'
  return { name: `${kind} on ${name}`, cookie: 'koa.sess', hasStore, create }
}

type Plug = (app: FastifyInstance, settings: SessionSettings) => Promise<void>

function onFastify(
  name: string,
  plug: Plug,
  about: Pick<SessionFramework, 'cookie' | 'hasStore'>,
): SessionFramework {
  const create = (settings: SessionSettings = {}): Framework => ({
    name: 'Fastify 5',
    async build(options) {
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
      await app.register(cookie)
      const plugOidc = async () => void (await app.register(fastifyOidc, options))
      for (const part of order(settings.isMisplaced, () => plug(app, settings), plugOidc)) {
        await part()
      }
      for (const [path, { guard, answer }] of Object.entries<Pages[string]>(pages)) {
        const hooks = guard ? { onRequest: fastifyGuard(guard) } : {}
        app.get(path, hooks, async (request, reply) => {
          const owner = request as unknown as {
            session: AppSession & { destroy?(): Promise<void>; delete?(): void }
          }
          const body = await answer({
            oidc: request.oidc,
            get session() {
              return owner.session
            },
            async destroy() {
              if (about.hasStore) await owner.session.destroy?.()
              else owner.session.delete?.()
            },
          })
          return body === undefined ? reply : body
        })
      }
      await app.ready()
      if (!listener) throw new Error('the app has no listener')
      return listener
    },
  })
  return { name: `${name} on Fastify 5`, ...about, create }
}

const plugStored: Plug = async (app, { store = new MemoryStore() }) => {
  await app.register(fastifySession, {
    store: store as never,
    secret: appSecret,
    saveUninitialized: false,
    rolling: false,
    cookie: { secure: false, sameSite: 'lax' },
  })
}

const plugSealed: Plug = async (app) => {
  await app.register(secureSession, {
    key: Buffer.alloc(32, 7),
    cookie: { path: '/', sameSite: 'lax' },
  })
}

/** All of them. */
export const sessionFrameworks: readonly SessionFramework[] = [
  onExpress('Express 5', express5),
  onExpress('Express 4', express4),
  onKoa('Koa 3', koa3, true),
  onKoa('Koa 2', koa2, true),
  onKoa('Koa 3', koa3, false),
  onKoa('Koa 2', koa2, false),
  onFastify('@fastify/session', plugStored, { cookie: 'sessionId', hasStore: true }),
  onFastify('@fastify/secure-session', plugSealed, { cookie: 'session', hasStore: false }),
]
