import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runWell } from './house/children.ts'
import { root } from './house/sources.ts'
import { titleOf } from './support/installed.ts'
import { redisSkipReason } from './support/redis.ts'

interface Spread {
  readonly median: number
  readonly low: number
  readonly high: number
}

interface Cost {
  readonly total: Spread
  readonly over: Spread
  readonly floor: Spread
}

interface Start {
  readonly cpu: Spread
  readonly elapsed: Spread
  readonly rss: Spread
}

type Scenario = Readonly<Record<string, unknown>> & {
  readonly name: string
  readonly ratio: object
}

interface Suite {
  readonly scenarios: readonly Scenario[]
  readonly startUp: Readonly<Record<string, Start>>
  readonly rssAfterLoad: Readonly<Record<string, number>>
  readonly cookieBytes: Readonly<Record<string, number>>
}

interface Pair {
  readonly ours: Spread
  readonly bare: Spread
}

interface KeyRow {
  readonly kind: string
  readonly alg: string
  /** Why it was not measured: there is no key store here. */
  readonly skipped?: string
  readonly rate: Pair & { readonly oursToBare: Spread }
  readonly cpu: Pair
  readonly latency: Pair & { readonly added: Spread }
  /** Of keys in this process only. */
  readonly loop?: Readonly<Record<'ours' | 'bare', Readonly<Record<string, Spread>>>>
}

/** What was measured with so many sessions in a store. */
interface SessionRow {
  readonly count: number
  readonly keep: boolean
  readonly memory: Readonly<Record<'ours' | 'peer', number>>
  readonly requests: Readonly<Record<'ours' | 'peer', Readonly<Record<'over' | 'elapsed', Spread>>>>
  readonly logout: Spread
}

/** What each suite compares: the app with ours and the app of a peer, whose packages have versions. */
const suites = [
  {
    framework: 'express',
    peer: 'express-openid-connect',
    versions: { 'express-openid-connect': '3.4.0' },
  },
  {
    framework: 'koa',
    peer: 'koa-session',
    versions: { 'koa-session': '7.0.2', grant: '5.4.24' },
  },
  {
    framework: 'fastify',
    peer: 'secure-session',
    versions: { '@fastify/secure-session': '8.4.0', '@fastify/oauth2': '8.3.0' },
  },
]
const names = [
  'signed-in',
  'cold',
  'unread',
  'anonymous',
  'unrelated',
  'login RS256',
  'login ES256',
]

/** The keys that need no key store; those of others are measured where such can be started. */
const localKinds = ['pem', 'jose', 'file']
const storeKinds = ['pkcs11', 'aws', 'gcp-rest', 'gcp-grpc', 'azure', 'vault']

const built = [
  'kms/dist/aws.js',
  ...['core', ...suites.map(({ framework }) => framework)].map((name) => `${name}/dist/index.js`),
]
const isBuilt = built.every((path) => existsSync(join(root, 'packages', path)))

// Each starts many processes, one after the other
describe('the benchmark', { timeout: 240_000 }, () => {
  // It measures what is published: without a build there is nothing to measure
  test.skipIf(!isBuilt && !process.env['CI'])(
    'signs in and asks everywhere, and tells what it cost',
    async () => {
      const program = [process.execPath, 'test/bench/run.js', '--quick', '--json']
      const result = JSON.parse(await runWell(program, { cwd: root }))
      expect(Object.keys(result.suites)).toEqual(suites.map(({ framework }) => framework))
      for (const { framework, peer, versions } of suites) {
        const suite: Suite = result.suites[framework]
        const version = expect.stringMatching(/^\d+\.\d+\.\d+/)
        expect(suite).toMatchObject({
          peer,
          packages: Object.keys(versions),
          versions: { [framework]: version, [`@countersign/${framework}`]: version, ...versions },
        })
        for (const kind of ['bare', 'countersign', peer]) checkStart(suite, kind)
        for (const kind of ['countersign', peer]) checkPositive(suite.cookieBytes[kind])
        expect(suite.scenarios.map(({ name }) => name)).toEqual(names)
        for (const scenario of suite.scenarios) checkScenario(scenario, peer)
      }
    },
  )

  test.skipIf(!isBuilt && !process.env['CI'])(
    'signs with every kind of key, and tells what that takes',
    async () => {
      const program = [process.execPath, 'test/bench/run.js', '--keys', '--quick', '--json']
      const result = JSON.parse(await runWell(program, { cwd: root }))
      const rows: readonly KeyRow[] = result.keys.rows
      const kinds = rows.map(({ kind }) => kind)
      expect(kinds.toSorted()).toEqual([...localKinds, ...storeKinds].toSorted())
      for (const row of rows) {
        if (row.skipped === undefined) checkKey(row)
        else expect(storeKinds).toContain(row.kind)
      }
    },
  )

  test.skipIf((!isBuilt && !process.env['CI']) || redisSkipReason !== undefined)(
    titleOf('fills a store with sessions, and tells what one of them costs', redisSkipReason),
    async () => {
      const program = [process.execPath, 'test/bench/run.js', '--sessions', '--quick', '--json']
      const result = JSON.parse(await runWell(program, { cwd: root }))
      const rows: readonly SessionRow[] = result.sessions.rows
      const { counts } = result.sizes as { readonly counts: readonly number[] }
      expect(rows.map(({ count, keep }) => ({ count, keep }))).toEqual(
        [false, true].flatMap((keep) => counts.map((count) => ({ count, keep }))),
      )
      rows.forEach(checkSessions)
    },
  )
})

function checkSessions({ memory, requests, logout }: SessionRow): void {
  for (const kind of ['ours', 'peer'] as const) {
    const { over, elapsed } = requests[kind]
    checkPositive(memory[kind])
    for (const spread of [over, elapsed]) checkSpread(spread)
    checkPositive(elapsed.median)
  }
  checkSpread(logout)
  checkPositive(logout.median)
}

function checkKey({ rate, cpu, latency, loop }: KeyRow): void {
  for (const { ours, bare } of [rate, cpu, latency]) {
    for (const spread of [ours, bare]) {
      checkSpread(spread)
      checkPositive(spread.median)
    }
  }
  for (const spread of [rate.oursToBare, latency.added]) checkSpread(spread)
  // How long the event loop was kept is told, and depends on the machine
  for (const delays of Object.values(loop ?? {})) Object.values(delays).forEach(checkSpread)
}

function checkStart({ startUp, rssAfterLoad }: Suite, kind: string): void {
  const { cpu, elapsed, rss } = startUp[kind] as Start
  for (const spread of [cpu, elapsed, rss]) {
    checkSpread(spread)
    checkPositive(spread.median)
  }
  checkPositive(rssAfterLoad[`${kind} requests`])
}

function checkScenario(scenario: Scenario, peer: string): void {
  expect(Object.keys(scenario.ratio)).toEqual(['peerToOurs', 'oursToPeer'])
  for (const kind of ['countersign', peer]) {
    const { total, over, floor } = scenario[kind] as Cost
    for (const spread of [total, over, floor]) checkSpread(spread)
    // So few requests may take less than a clock that ticks can tell; logins take more
    if (!scenario.name.startsWith('login')) continue
    for (const spread of [total, floor]) checkPositive(spread.median)
  }
}

function checkSpread({ median, low, high }: Spread): void {
  for (const figure of [median, low, high]) expect(figure).toSatisfy(Number.isFinite)
  expect(low <= median && median <= high).toBe(true)
}

function checkPositive(figure: unknown): void {
  expect(figure).toSatisfy(Number.isFinite)
  expect(figure).toBeGreaterThan(0)
}
