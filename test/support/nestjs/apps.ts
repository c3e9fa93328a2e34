/**
 * The app of docs/nestjs.md on both of Nest's platforms.
 *
 * @module
 */

import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http'
import { oidc as expressOidc } from '@countersign/express'
import { oidc as fastifyOidc } from '@countersign/fastify'
import {
  type ArgumentsHost,
  Catch,
  Controller,
  type ExceptionFilter,
  Get,
  type HttpServer,
  type INestApplication,
  Module,
  type Type,
  VersioningType,
} from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import type { Framework } from '../app.ts'
import * as onFastify from './fastify/login.ts'
import { Pages as FastifyPages } from './fastify/pages.ts'
import * as onExpress from './login.ts'
import { Pages } from './pages.ts'

/** The recipe, with the imports of a platform. */
type Recipe = typeof onExpress | typeof onFastify

function buildModule({ RequireLogin }: Recipe, pages: Type): Type {
  @Controller('desk')
  @RequireLogin({ claims: { role: 'editor' } })
  class Desk {
    @Get()
    read(): string {
      return 'The desk'
    }

    @Get('vault')
    @RequireLogin({ acr: 'strong' })
    open(): string {
      return 'The vault'
    }
  }

  @Module({ controllers: [pages, Desk] })
  class AppModule {}
  return AppModule
}

@Catch()
class CatchAll implements ExceptionFilter {
  readonly #server: HttpServer
  constructor(server: HttpServer) {
    this.#server = server
  }

  catch(_error: unknown, host: ArgumentsHost): void {
    this.#server.reply(host.switchToHttp().getResponse(), 'caught', 418)
  }
}

/** What an app has besides the recipe. */
interface Extras {
  /** Whether every controller is guarded. */
  readonly isGuarded?: boolean
  /** Whether it has a prefix, versions, middleware, and a filter that catches everything. */
  readonly isLarge?: boolean
}

const settings = { logger: false, abortOnError: false } as const

async function initialize(
  app: INestApplication,
  { LoginFilter, LoginGuard }: Recipe,
  { isGuarded, isLarge }: Extras,
): Promise<void> {
  if (isGuarded) app.useGlobalGuards(new LoginGuard())
  if (isLarge) {
    app.use((req: IncomingMessage, res: ServerResponse, next: () => void) => {
      res.setHeader('x-middleware-has-oidc', String('oidc' in req))
      next()
    })
    app.setGlobalPrefix('api')
    app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' })
    app.useGlobalFilters(new CatchAll(app.getHttpAdapter()))
  }
  app.useGlobalFilters(new LoginFilter(app.getHttpAdapter()))
  await app.init()
}

/** Nest on Express. */
export const nestOnExpress = (extras: Extras = {}): Framework => ({
  name: 'Nest on Express',
  async build(options) {
    const module = buildModule(onExpress, Pages)
    const adapter = new ExpressAdapter()
    const app = await NestFactory.create<NestExpressApplication>(module, adapter, settings)
    app.use(expressOidc(options))
    await initialize(app, onExpress, extras)
    return adapter.getInstance()
  },
})

/** Nest on Fastify. */
export const nestOnFastify = (extras: Extras = {}): Framework => ({
  name: 'Nest on Fastify',
  async build(options) {
    const module = buildModule(onFastify, FastifyPages)
    let listener: RequestListener | undefined
    const adapter = new FastifyAdapter({
      forceCloseConnections: true,
      serverFactory(handler: RequestListener) {
        listener = handler
        return createServer()
      },
    })
    const app = await NestFactory.create<NestFastifyApplication>(module, adapter, settings)
    await app.register(fastifyOidc, options)
    await initialize(app, onFastify, extras)
    await adapter.getInstance().ready()
    if (!listener) throw new Error('the app has no listener')
    return listener
  },
})
