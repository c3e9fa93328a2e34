/**
 * The app of docs/nestjs.md on both of Nest's platforms.
 *
 * @module
 */

import { createServer, type RequestListener } from 'node:http'
import { oidc as expressOidc } from '@countersign/express'
import { oidc as fastifyOidc } from '@countersign/fastify'
import { type INestApplication, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import type { Framework } from '../app.ts'
import { LoginFilter } from './login.ts'
import { Pages } from './pages.ts'

@Module({ controllers: [Pages] })
class AppModule {}

const settings = { logger: false, abortOnError: false } as const

async function initialize(app: INestApplication): Promise<void> {
  app.useGlobalFilters(new LoginFilter(app.getHttpAdapter()))
  await app.init()
}

/** Nest on Express. */
export const nestOnExpress: Framework = {
  name: 'Nest on Express',
  async build(options) {
    const adapter = new ExpressAdapter()
    const app = await NestFactory.create<NestExpressApplication>(AppModule, adapter, settings)
    app.use(expressOidc(options))
    await initialize(app)
    return adapter.getInstance()
  },
}

/** Nest on Fastify. */
export const nestOnFastify: Framework = {
  name: 'Nest on Fastify',
  async build(options) {
    let listener: RequestListener | undefined
    const adapter = new FastifyAdapter({
      forceCloseConnections: true,
      serverFactory(handler: RequestListener) {
        listener = handler
        return createServer()
      },
    })
    const app = await NestFactory.create<NestFastifyApplication>(AppModule, adapter, settings)
    await app.register(fastifyOidc, options)
    await initialize(app)
    await adapter.getInstance().ready()
    if (!listener) throw new Error('the app has no listener')
    return listener
  },
}
