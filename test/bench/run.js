/**
 * The benchmark, from the command line: `--framework=NAME` for one suite, `--quick` for a smoke run,
 * `--json` for programs, `--profile` for what the time is spent on, `--rounds=N` for more certainty.
 * `--keys` measures keys instead: what signing takes with each kind of them; `--sessions` measures sessions
 * in a store.
 *
 * @module
 */

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { findCores, stopAll } from './children.js'
import { measureFootprint } from './footprint.js'
import { keySizes, measureKeys } from './keys/measure.js'
import { measureLoad, measureStartUp, prepare } from './measure.js'
import { measureProfiles } from './profile.js'
import { renderResult } from './report.js'
import { buildSuiteResult } from './result.js'
import { measureSessions, sessionSizes } from './sessions/measure.js'
import { adapterOf, suites } from './suites.js'

const quick = {
  rounds: 2,
  warmUpRounds: 1,
  requests: 30,
  logins: 5,
  sessions: 10,
  allSessions: 20,
  warmUpLogins: 5,
  starts: 1,
}
const full = {
  rounds: 25,
  warmUpRounds: 3,
  requests: 1000,
  logins: 30,
  sessions: 250,
  allSessions: 750,
  warmUpLogins: 800,
  starts: 9,
}

const { values: flags } = parseArgs({
  options: {
    framework: { type: 'string' },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    keys: { type: 'boolean', default: false },
    sessions: { type: 'boolean', default: false },
    rounds: { type: 'string' },
  },
})
const chosen = readSuites(flags)
const sizes = { ...chooseSizes(flags), ...readRounds(flags) }
const cores = findCores()

try {
  const result = {
    date: new Date().toISOString().slice(0, 10),
    versions: { node: process.versions.node, openssl: process.versions.openssl },
    cpu: { model: cpus()[0]?.model ?? 'unknown', count: cpus().length },
    cores,
    sizes,
    ...(await measureChosen()),
  }
  const text = flags.json ? JSON.stringify(result, undefined, 2) : renderResult(result)
  process.stdout.write(`${text}\n`)
} finally {
  await stopAll()
}

async function measureChosen() {
  const say = (name) => report(`${name} `)
  if (flags.sessions) return { sessions: await measureSessions({ cores, sizes, tell: say }) }
  if (!flags.keys) return { suites: await measureSuites() }
  return { keys: await measureKeys({ cores, sizes, isQuick: flags.quick, tell: say }) }
}

async function measureSuites() {
  const parts = await prepare(cores)
  const measured = {}
  for (const suite of chosen) measured[suite.framework] = await measure(suite, parts)
  return measured
}

async function measure(suite, parts) {
  const startUp = await measureStartUp(suite, parts, sizes.starts)
  const load = await measureLoad(suite, parts, sizes, (round) => tell(suite, round))
  const profiles = flags.profile ? await measureProfiles(suite, parts, sizes) : undefined
  const footprint = flags.quick ? undefined : measureFootprint(suite)
  const versions = readVersions(suite)
  return buildSuiteResult(suite, { versions, startUp, ...load, footprint, profiles })
}

function tell({ title }, round) {
  report(`${title}, round ${round + 1} of ${sizes.rounds + sizes.warmUpRounds} `)
}

function report(text) {
  if (flags.json || !process.stderr.isTTY) return
  process.stderr.write(`\r\x1b[K${text}`)
}

function chooseSizes({ keys, sessions }) {
  if (sessions) return flags.quick ? sessionSizes.quick : sessionSizes.full
  if (keys) return flags.quick ? keySizes.quick : keySizes.full
  return flags.quick ? quick : full
}

function readSuites({ framework }) {
  if (framework === undefined) return Object.values(suites)
  if (Object.hasOwn(suites, framework)) return [suites[framework]]
  throw new TypeError(`--framework needs one of ${Object.keys(suites).join(', ')}`)
}

function readRounds({ rounds }) {
  if (rounds === undefined) return {}
  if (!/^[1-9]\d{0,3}$/.test(rounds)) throw new TypeError('--rounds needs a number from 1 to 9999')
  return { rounds: Number(rounds) }
}

function readVersions(suite) {
  const versions = {}
  for (const name of [suite.framework, adapterOf(suite), ...suite.packages]) {
    const path = createRequire(import.meta.url).resolve.paths(name)[0]
    versions[name] = JSON.parse(readFileSync(`${path}/${name}/package.json`, 'utf8')).version
  }
  return versions
}
