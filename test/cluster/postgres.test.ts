import { describeUnless } from '../support/installed.ts'
import { postgresSkipReason, startPostgres } from '../support/postgres.ts'
import type { StoreKind } from './support/cluster.ts'
import { fullLoad, lightLoad, testCluster } from './support/suite.ts'

describeUnless(postgresSkipReason)('on PostgreSQL', () => {
  const postgres: StoreKind = { start: startPostgres, variable: 'DATABASE_URL' }
  testCluster('express', postgres, lightLoad)
  testCluster('koa', postgres, fullLoad)
  testCluster('fastify', postgres, lightLoad)
})
