/**
 * Sessions in Redis, from few to very many: what one takes there, what a request with one costs the app,
 * and how long a back-channel logout of an End-User takes.
 *
 * @module
 */

import { generateKeyPairSync } from 'node:crypto'
import { start } from '../children.js'
import { summarize } from '../statistics.js'
import { startRedis } from './redis-server.js'

const secret = 'a session secret for the bench, and for nothing but the bench'

/** How much is measured. `perUser` is how many sessions each End-User has. */
export const sessionSizes = {
  quick: { counts: [50, 100], rounds: 2, requests: 20, samples: 20, logouts: 3, perUser: 2 },
  full: {
    counts: [1000, 10_000, 100_000],
    rounds: 25,
    requests: 400,
    samples: 1000,
    logouts: 100,
    perUser: 2,
  },
}

const kinds = ['bare', 'countersign', 'express-session']

/** Measures every number of sessions, with and without tokens. */
export async function measureSessions({ cores, sizes, tell }) {
  const redis = await startRedis()
  if (!redis) throw new Error('sessions are measured in Redis: install redis-server')
  try {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const clientKey = privateKey.export({ type: 'pkcs8', format: 'pem' })
    const provider = await start('./provider.js', { core: cores?.others })
    const load = await start('./load.js', { core: cores?.others })
    const rows = []
    for (const keep of [false, true]) {
      const apps = {}
      for (const kind of kinds) {
        const { issuer } = provider.ready
        const { perUser } = sizes
        const bench = { kind, issuer, secret, clientKey, redis: redis.url, perUser, keep }
        apps[kind] = await start('./sessions/app.js', { core: cores?.measured, bench })
      }
      const parts = { apps, load, provider, sizes, keep, tell }
      for (const count of sizes.counts) rows.push(await measureCount(parts, count))
      for (const app of Object.values(apps)) await app.stop()
    }
    return { rows, sizes }
  } finally {
    await redis.stop()
  }
}

async function measureCount({ apps, load, provider, sizes, keep, tell }, count) {
  const { samples } = sizes
  const memory = {}
  tell(`${count} sessions${keep ? ' with tokens' : ''}`)
  // The peer first: ours are the sessions that stay, for the logouts
  for (const kind of ['express-session', 'countersign']) {
    await apps[kind].ask('empty')
    const before = await apps[kind].ask('memory')
    const { cookies } = await apps[kind].ask('fill', { from: 0, to: count, samples })
    const after = await apps[kind].ask('memory')
    memory[kind] = { bytes: (after.bytes - before.bytes) / count, keys: after.keys / count }
    await load.ask('adopt', { keep: kind, headers: cookies })
    if (kind === 'express-session')
      memory[kind].requests = await measureRequests({ apps, load, sizes }, kind)
  }
  const requests = {
    'express-session': memory['express-session'].requests,
    countersign: await measureRequests({ apps, load, sizes }, 'countersign'),
  }
  const logout = await measureLogouts({ apps, load, provider, sizes }, count)
  return {
    count,
    keep,
    memory: { ours: memory.countersign.bytes, peer: memory['express-session'].bytes },
    records: { ours: memory.countersign.keys, peer: memory['express-session'].keys },
    requests: { ours: requests.countersign, peer: requests['express-session'] },
    logout,
  }
}

/** CPU of one request over the floor, and how long one takes. */
async function measureRequests({ apps, load, sizes }, kind) {
  const over = []
  const elapsed = []
  const job = { path: '/me', count: sizes.requests, cookies: kind }
  await load.ask('requests', { ...job, count: sizes.samples, ...target(apps, kind, 'user') })
  for (let round = 0; round < sizes.rounds; round++) {
    const floor = await measureCpu(apps.bare, load, { ...job, ...target(apps, 'bare', 'anything') })
    const own = await measureCpu(apps[kind], load, { ...job, ...target(apps, kind, 'user') })
    over.push(own.cpu - floor.cpu)
    elapsed.push(own.elapsed)
  }
  return { over: summarize(over), elapsed: summarize(elapsed) }
}

function target(apps, kind, expected) {
  return { baseUrl: apps[kind].ready.baseUrl, expected }
}

async function measureCpu(app, load, job) {
  const before = await app.ask('usage')
  const started = performance.now()
  await load.ask('requests', job)
  const elapsed = performance.now() - started
  const after = await app.ask('usage')
  return { cpu: (after.cpu - before.cpu) / job.count, elapsed: (elapsed * 1000) / job.count }
}

/** Logout Tokens by `sub`, one after the other, as a provider sends them. */
async function measureLogouts({ apps, load, provider, sizes }, count) {
  const users = Math.floor(count / sizes.perUser)
  const every = Math.max(Math.floor(users / sizes.logouts), 1)
  const subs = Array.from({ length: Math.min(sizes.logouts, users) }, (_, index) => {
    return `user-${String(index * every).padStart(6, '0')}`
  })
  const { tokens } = await provider.ask('logoutTokens', { subs })
  const url = `${apps.countersign.ready.baseUrl}/backchannel-logout`
  // The first one fetches the provider's keys
  const { times } = await load.ask('post', {
    url,
    bodies: tokens.map((token) => `logout_token=${token}`),
  })
  return summarize(times.slice(1).map((time) => time * 1000))
}
