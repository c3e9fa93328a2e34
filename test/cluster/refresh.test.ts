import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeEach } from '../support/installed.ts'
import { postgresSkipReason, startPostgres } from '../support/postgres.ts'
import { redisSkipReason, startRedis } from '../support/redis.ts'
import { type Cluster, type StoreKind, startCluster } from './support/cluster.ts'
import { count, inParallel, look, trySignIn, type Visit } from './support/visits.ts'

const program = join(import.meta.dirname, 'support/refreshing-app.js')
const subs = Array.from({ length: 25 }, (_, index) => `user-${index}`)
/** For each session, over both processes. */
const requestsAtOnce = 8

const kinds: readonly (StoreKind & {
  readonly kind: string
  readonly skipReason: string | undefined
})[] = [
  { kind: 'Redis', skipReason: redisSkipReason, start: startRedis, variable: 'REDIS_URL' },
  {
    kind: 'PostgreSQL',
    skipReason: postgresSkipReason,
    start: startPostgres,
    variable: 'DATABASE_URL',
  },
]

describeEach(kinds)('two processes that refresh all the time, on $kind', (kind) => {
  let cluster: Cluster
  beforeAll(async () => {
    const tokens = { refreshTokens: 'always' } as const
    cluster = await startCluster('express', kind, { subs, tokens, program })
  })
  afterAll(() => cluster?.close())

  test('use no refresh token twice', async () => {
    const visits: Visit[] = []
    await inParallel(subs, 8, async (sub) => {
      const outcome = await trySignIn(cluster, sub)
      if (typeof outcome === 'string') throw new Error(`a login: ${outcome}`)
      visits.push(outcome)
    })

    /** Everybody at once, and everybody several times. */
    async function refreshAll(): Promise<void> {
      const asked = visits.flatMap((visit) => Array.from({ length: requestsAtOnce }, () => visit))
      const found = await inParallel(asked, 24, (visit) => look(cluster.url, visit))
      expect(count(found)).toEqual({ 'signed in': asked.length })
    }

    const [first] = cluster.replicas
    await refreshAll()
    await first.kill()
    // The other one goes on with the tokens that this one has got
    await refreshAll()
    await first.restart()
    await cluster.waitUntilReady(visits[0]?.cookie ?? '')
    await refreshAll()

    const requests = await cluster.provider.readTokenRequests()
    const refreshes = requests.filter(({ grantType }) => grantType === 'refresh_token')
    // The provider revokes all tokens of a login where one is used again
    expect(count(refreshes.map(({ error = 'granted' }) => error))).toEqual({
      granted: refreshes.length,
    })
    expect(refreshes.length).toBeGreaterThanOrEqual(3 * subs.length)
    expect(refreshes.length).toBeLessThan(3 * subs.length * requestsAtOnce)
  })
})
