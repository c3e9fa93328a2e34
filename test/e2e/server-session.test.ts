/**
 * Every place for sessions, on every framework.
 */

import { MemoryStore } from 'express-session'
import { afterAll, beforeAll } from 'vitest'
import { type SessionPlace, sessionStoreContract } from '../contract/session-store.ts'
import { express5App } from '../support/apps/express.ts'
import { mainFrameworks } from '../support/frameworks.ts'
import { openPostgresStore, postgresSkipReason, startPostgres } from '../support/postgres.ts'
import { openRedisStore, redisSkipReason, startRedis } from '../support/redis.ts'
import type { OpenStore, ServerProcess } from '../support/server-process.ts'
import { type Setting, startSetting } from '../support/setting.ts'

let redis: ServerProcess
let postgres: ServerProcess
let setting: Setting
beforeAll(async () => {
  if (redisSkipReason === undefined) redis = await startRedis()
  if (postgresSkipReason === undefined) postgres = await startPostgres()
  setting = await startSetting(express5App)
}, 60_000)
afterAll(async () => {
  await Promise.all([setting.close(), redis?.close(), postgres?.close()])
})

const inStore = ({ store, close }: OpenStore): SessionPlace => ({
  session: { store },
  store,
  close,
})
const close = async () => {}

const places = [
  { name: 'a cookie', endsCopies: false, open: async () => ({ session: {}, close }) },
  {
    name: 'a cookie with a logout.store',
    endsCopies: true,
    open: async () => ({ session: {}, logout: { store: new MemoryStore() }, close }),
  },
  {
    name: 'MemoryStore',
    endsCopies: true,
    open: async () => inStore({ store: new MemoryStore(), close }),
  },
  {
    name: 'connect-redis',
    skipReason: redisSkipReason,
    endsCopies: true,
    open: async () => inStore(await openRedisStore(redis.url)),
  },
  {
    name: 'connect-pg-simple',
    skipReason: postgresSkipReason,
    endsCopies: true,
    open: async () => inStore(await openPostgresStore(postgres.url)),
  },
]

for (const framework of mainFrameworks) {
  for (const place of places) sessionStoreContract({ ...place, framework, provider: () => setting })
}
