/**
 * Every framework that the contract and the end-to-end tests run over. A new adapter is added here.
 *
 * @module
 */

import type { Framework } from './app.ts'
import { express4App, express5App } from './apps/express.ts'
import { fastify5App } from './apps/fastify.ts'
import { koa2App, koa3App } from './apps/koa.ts'
import { nodeApp } from './apps/node.ts'

/** All of them. */
export const frameworks: readonly Framework[] = [
  express5App,
  express4App,
  koa3App,
  koa2App,
  fastify5App,
  nodeApp,
]

/** One version of each: for what does not depend on the version, and has many cases. */
export const mainFrameworks: readonly Framework[] = [express5App, koa3App, fastify5App]
