/**
 * The benchmark, from the command line: `--quick` for a smoke run, `--json` for programs, `--profile`
 * for what the time is spent on, `--rounds=N` for more certainty.
 *
 * @module
 */

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { findCores, stopAll } from './children.js'
import { measureFootprint } from './footprint.js'
import { measureLoad, measureStartUp, prepare } from './measure.js'
import { measureProfiles } from './profile.js'
import { buildResult, renderResult } from './report.js'
import { peer } from './scenarios.js'

const quick = {
  rounds: 2,
  warmUpRounds: 1,
  requests: 50,
  logins: 5,
  sessions: 20,
  warmUpLogins: 5,
  starts: 1,
}
const full = {
  rounds: 25,
  warmUpRounds: 3,
  requests: 1000,
  logins: 30,
  sessions: 250,
  warmUpLogins: 800,
  starts: 9,
}

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    rounds: { type: 'string' },
  },
})
const sizes = { ...(flags.quick ? quick : full), ...readRounds(flags) }
const cores = findCores()

try {
  const parts = await prepare(cores)
  const startUp = await measureStartUp(parts, sizes.starts)
  const load = await measureLoad(parts, sizes, tell)
  const profiles = flags.profile ? await measureProfiles(parts, sizes) : undefined
  const footprint = flags.quick ? undefined : measureFootprint()
  const result = buildResult({
    date: new Date().toISOString().slice(0, 10),
    versions: readVersions(),
    cpu: { model: cpus()[0]?.model ?? 'unknown', count: cpus().length },
    cores,
    sizes,
    startUp,
    ...load,
    footprint,
    profiles,
  })
  const text = flags.json ? JSON.stringify(result, undefined, 2) : renderResult(result)
  process.stdout.write(`${text}\n`)
} finally {
  await stopAll()
}

function tell(round, rounds) {
  if (!flags.json && process.stderr.isTTY)
    process.stderr.write(`\rround ${round + 1} of ${rounds} `)
}

function readRounds({ rounds }) {
  if (rounds === undefined) return {}
  if (!/^[1-9]\d{0,3}$/.test(rounds)) throw new TypeError('--rounds needs a number from 1 to 9999')
  return { rounds: Number(rounds) }
}

function readVersions() {
  const versions = { node: process.versions.node, openssl: process.versions.openssl }
  for (const name of ['express', '@countersign/express', peer]) {
    const path = createRequire(import.meta.url).resolve.paths(name)[0]
    versions[name] = JSON.parse(readFileSync(`${path}/${name}/package.json`, 'utf8')).version
  }
  return versions
}
