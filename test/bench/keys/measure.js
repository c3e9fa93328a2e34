/**
 * The measurement of keys: for each key a process with ours and one without, asked in turn.
 *
 * @module
 */

import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { start } from '../children.js'
import { summarize } from '../statistics.js'
import { readVersion } from './packages.js'
import { kinds, listRows } from './rows.js'
import { findTypeScriptNode } from './typescript-node.js'

/** Milliseconds of each batch, and how many of them. */
export const keySizes = {
  quick: { rounds: 2, warmUp: 50, rate: 50, latency: 50, loop: 200, loopRounds: 1, inFlight: 50 },
  full: {
    rounds: 11,
    warmUp: 1200,
    rate: 400,
    latency: 250,
    loop: 3000,
    loopRounds: 3,
    inFlight: 50,
  },
}

/** What the vendors' packages say of themselves is for nobody here. */
const quiet = ['--no-warnings']

/** Measures all keys. What cannot be measured here says why. */
export async function measureKeys({ cores, sizes, isQuick, tell }) {
  const [before] = loadavg()
  const stores = await startStores(cores)
  const rows = []
  for (const row of listRows({ isQuick })) {
    tell(`${kinds[row.kind].title}, ${row.alg}`)
    rows.push(await measureRow(row, { stores, cores, sizes }))
  }
  await stores.stop()
  const [after] = loadavg()
  return { rows, versions: readVersions(), load: { before, after }, sizes }
}

/** Starts the process of the key stores; without a Node for it there is none. */
async function startStores(cores) {
  const node = findTypeScriptNode()
  if (node) return await start('./key-stores.js', { core: cores?.others, node: [node, ...quiet] })
  const skipped = 'the key stores are written in TypeScript: npx cannot get node@24'
  return { ask: async () => ({ skipped }), stop: async () => {} }
}

async function measureRow({ kind, alg }, { stores, cores, sizes }) {
  const { title, bare, store, isLocal, inFlight } = kinds[kind]
  const row = { kind, title, alg, bare }
  const made = store ? await stores.ask('make', { kind, alg }) : makeLocal({ kind, alg })
  const { folder, skipped, ...place } = made
  if (skipped) return { ...row, skipped }
  const startSigning = (isOurs, core) =>
    start('./signing.js', {
      core,
      node: [process.execPath, ...quiet],
      bench: { kind, isOurs, alg, place, inFlight },
    })
  try {
    const ours = await startSigning(true, cores?.measured)
    const others = await startSigning(false, cores?.measured)
    const speed = await measureSpeed(ours, others, sizes)
    await Promise.all([ours.stop(), others.stop()])
    return { ...row, ...speed, loop: isLocal && (await measureLoop(startSigning, sizes)) }
  } finally {
    if (folder) rmSync(folder, { recursive: true })
  }
}

/** Every other round the other way round: who comes first is nobody's advantage. */
async function measureSpeed(ours, others, { rounds, warmUp, rate, latency }) {
  const samples = []
  for (const one of [ours, others]) {
    await one.ask('rate', { duration: warmUp })
    await one.ask('latency', { duration: warmUp / 2 })
  }
  for (let round = 0; round < rounds; round++) {
    const sample = {}
    const pair = [
      ['ours', ours],
      ['bare', others],
    ]
    for (const type of ['rate', 'latency']) {
      for (const [name, one] of round % 2 ? pair.toReversed() : pair) {
        const duration = type === 'rate' ? rate : latency
        sample[name] = { ...sample[name], ...(await one.ask(type, { duration })) }
      }
    }
    samples.push(sample)
  }
  const sum = (pick) => summarize(samples.map(pick))
  const both = (name) => ({
    ours: sum(({ ours }) => ours[name]),
    bare: sum(({ bare }) => bare[name]),
  })
  return {
    rate: { ...both('rate'), oursToBare: sum(({ ours, bare }) => ours.rate / bare.rate) },
    cpu: both('cpu'),
    latency: { ...both('latency'), added: sum(({ ours, bare }) => ours.latency - bare.latency) },
  }
}

/** On no core of its own: an event loop shares the machine with the threads that sign for it. */
async function measureLoop(startSigning, { loop: duration, loopRounds, inFlight: count, warmUp }) {
  const result = {}
  for (const [name, isOurs] of [
    ['ours', true],
    ['bare', false],
  ]) {
    const one = await startSigning(isOurs, undefined)
    await one.ask('loop', { duration: warmUp, count })
    const samples = []
    for (let round = 0; round < loopRounds; round++) {
      samples.push(await one.ask('loop', { duration, count }))
    }
    await one.stop()
    const sum = (measure) => summarize(samples.map((sample) => sample[measure]))
    result[name] = { rate: sum('rate'), p50: sum('p50'), p99: sum('p99'), max: sum('max') }
  }
  return result
}

function makeLocal({ kind, alg }) {
  const pem = generatePem(alg)
  if (kind !== 'file') return { pem }
  const folder = mkdtempSync(join(tmpdir(), 'bench-key-'))
  const file = join(folder, 'key.pem')
  writeFileSync(file, pem, { mode: 0o600 })
  return { pem, file, folder }
}

function generatePem(alg) {
  const [type, options] = {
    RS256: ['rsa', { modulusLength: 2048 }],
    ES256: ['ec', { namedCurve: 'P-256' }],
    ES384: ['ec', { namedCurve: 'P-384' }],
    EdDSA: ['ed25519', {}],
  }[alg]
  return generateKeyPairSync(type, options).privateKey.export({ type: 'pkcs8', format: 'pem' })
}

function readVersions() {
  const names = Object.values(kinds).flatMap(({ packages = [] }) => packages)
  const all = ['@countersign/core', '@countersign/kms', ...new Set(names)]
  return Object.fromEntries(all.map((name) => [name, readVersion(name)]))
}
