import { describeUnless } from '../support/installed.ts'
import { redisSkipReason, startRedis } from '../support/redis.ts'
import type { StoreKind } from './support/cluster.ts'
import { testCluster } from './support/suite.ts'

describeUnless(redisSkipReason)('on Redis', () => {
  const redis: StoreKind = { start: startRedis, variable: 'REDIS_URL' }
  testCluster('express', redis)
  testCluster('koa', redis)
  testCluster('fastify', redis)
})
