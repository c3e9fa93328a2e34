/**
 * The measurement: processes started, sessions made, and rounds of batches, each batch between two
 * readings of its process's CPU time.
 *
 * @module
 */

import { generateKeyPairSync } from 'node:crypto'
import { start } from './children.js'
import { algorithms, buildBatches, listProcesses, loginPathOf, processOf } from './scenarios.js'
import { kindsOf, ours } from './suites.js'

const secret = 'a session secret for the bench, and for nothing but the bench'

function generateKeys() {
  const { privateKey: rsa } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const { privateKey: ec } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const [RS256, ES256] = [rsa, ec].map((key) => key.export({ type: 'pkcs8', format: 'pem' }))
  return { RS256, ES256 }
}

/** Starts the provider and the load generator, and knows how to start apps. */
export async function prepare(cores) {
  const provider = await start('./provider.js', { core: cores?.others })
  const load = await start('./load.js', { core: cores?.others })
  const keys = generateKeys()
  const { issuer } = provider.ready
  return {
    load,
    startApp: ({ framework }, { kind, alg = algorithms[0] }) =>
      start('./relying-party.js', {
        core: cores?.measured,
        bench: { framework, kind, alg, issuer, secret, clientKey: keys[alg] },
      }),
  }
}

/** Measures start-up: CPU and wall time until ready, and memory then. */
export async function measureStartUp(suite, { startApp }, rounds) {
  const kinds = kindsOf(suite)
  const samples = Object.fromEntries(kinds.map((kind) => [kind, []]))
  for (let round = 0; round < rounds; round++) {
    for (const kind of rotate(kinds, round)) {
      const app = await startApp(suite, { kind })
      samples[kind].push(app.ready)
      await app.stop()
    }
  }
  return samples
}

/** Measures requests and logins. Samples are µs of CPU for one of them, by key. */
export async function measureLoad(suite, { load, startApp }, sizes, report) {
  const processes = listProcesses(suite)
  const apps = new Map()
  for (const process of processes) apps.set(process.name, await startApp(suite, process))
  const baseUrlOf = (process) => apps.get(process).ready.baseUrl

  const cookieBytes = {}
  for (const { name, kind } of processes) {
    const path = loginPathOf(suite, kind)
    await load.ask('login', { baseUrl: baseUrlOf(name), path, count: sizes.warmUpLogins })
  }
  for (const kind of [ours, suite.peer]) {
    const [baseUrl, path] = [baseUrlOf(processOf(kind)), loginPathOf(suite, kind)]
    const answer = await load.ask('login', { baseUrl, path, count: sizes.allSessions, keep: kind })
    cookieBytes[kind] = answer.cookieBytes
  }

  const batches = buildBatches(suite, sizes)
  const samples = Object.fromEntries(batches.map(({ key }) => [key, []]))
  for (let round = 0; round < sizes.rounds + sizes.warmUpRounds; round++) {
    report(round, sizes.rounds + sizes.warmUpRounds)
    // Every other round the other way round: who comes first is nobody's advantage
    for (const { key, process, type, job } of round % 2 ? [...batches].reverse() : batches) {
      const baseUrl = baseUrlOf(process)
      const app = apps.get(process)
      // Connections are open and, once a minute, sessions are renewed before anything is counted
      await load.ask(type, { ...job, baseUrl, count: primingOf(suite, type, job, sizes) })
      const before = await app.ask('usage')
      await load.ask(type, { ...job, baseUrl })
      const after = await app.ask('usage')
      if (round >= sizes.warmUpRounds) samples[key].push((after.cpu - before.cpu) / job.count)
    }
  }

  const rss = {}
  for (const { name } of processes) rss[name] = (await apps.get(name).ask('usage')).rss
  for (const app of apps.values()) await app.stop()
  return { samples, cookieBytes, rss }
}

function primingOf({ peer }, type, { cookies, among }, { allSessions }) {
  if (type === 'login') return 2
  return cookies === ours || cookies === peer ? (among ?? allSessions) : 20
}

function rotate(list, by) {
  const at = by % list.length
  return [...list.slice(at), ...list.slice(0, at)]
}
