/**
 * Where the CPU time of one app goes: a sampled profile, summed by the package that was at work. What
 * Node does on a package's behalf counts as the package's.
 *
 * @module
 */

import { algorithms, loginPathOf } from './scenarios.js'
import { ours } from './suites.js'

const jobs = (sizes, loginPath) => ({
  'signed-in': { type: 'requests', count: sizes.requests * 10, path: '/me', expected: 'user' },
  login: { type: 'login', count: sizes.logins * 10, path: loginPath },
})

/** Profiles ours and the peer; shares are µs of CPU for one request or login. */
export async function measureProfiles(suite, { load, startApp }, sizes) {
  const profiles = {}
  for (const kind of [ours, suite.peer]) {
    const path = loginPathOf(suite, kind)
    for (const alg of algorithms) {
      const app = await startApp(suite, { kind, alg })
      const { baseUrl } = app.ready
      await load.ask('login', { baseUrl, path, count: sizes.sessions, keep: 'profiled' })
      for (const [name, { type, ...job }] of Object.entries(jobs(sizes, path))) {
        if (name === 'signed-in' && alg !== 'RS256') continue
        const sent = { ...job, baseUrl, cookies: 'profiled' }
        await load.ask(type, sent)
        await app.ask('startProfile')
        const before = await app.ask('usage')
        await load.ask(type, sent)
        const after = await app.ask('usage')
        const shares = sumUp(await app.ask('stopProfile'), job.count)
        const total = (after.cpu - before.cpu) / job.count
        // What no sample of the main thread sees: the thread pool, where keys sign, and the collector
        const seen = shares.reduce((sum, { cpu }) => sum + cpu, 0)
        shares.push({ place: '(other threads: thread pool, garbage collector)', cpu: total - seen })
        profiles[`${name} ${kind}${name === 'login' ? ` ${alg}` : ''}`] = { total, shares }
      }
      await app.stop()
    }
  }
  return profiles
}

function sumUp({ nodes, samples, timeDeltas }, count) {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  for (const node of nodes) for (const id of node.children ?? []) byId.get(id).parent = node
  const cpu = new Map()
  samples.forEach((id, index) => {
    const place = placeOf(byId.get(id))
    if (place !== '(idle)') cpu.set(place, (cpu.get(place) ?? 0) + timeDeltas[index] / count)
  })
  return [...cpu].map(([place, cpu]) => ({ place, cpu })).sort((a, b) => b.cpu - a.cpu)
}

function placeOf(node) {
  const { functionName } = node.callFrame
  if (/^\((?:idle|garbage collector|program)\)$/.test(functionName)) return functionName
  for (let at = node; at; at = at.parent) {
    const { url } = at.callFrame
    const own = /packages\/(\w+)\/dist\/(\w+)/.exec(url)
    if (own) return `@countersign/${own[1]} ${own[2]}`
    const name = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1]
    if (name) return name
    if (url.includes('undici')) return 'fetch (undici)'
  }
  return 'node:http and other parts of Node'
}
