import { describeUnless } from '../support/installed.ts'
import { postgresSkipReason, startPostgres } from '../support/postgres.ts'
import type { StoreKind } from './support/cluster.ts'
import { testCluster } from './support/suite.ts'

describeUnless(postgresSkipReason)('on PostgreSQL', () => {
  const postgres: StoreKind = { start: startPostgres, variable: 'DATABASE_URL' }
  testCluster('express', postgres)
  testCluster('koa', postgres)
  testCluster('fastify', postgres)
})
