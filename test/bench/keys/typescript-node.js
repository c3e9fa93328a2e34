/**
 * A Node that runs TypeScript: this one, or one from the registry.
 *
 * @module
 */

import { spawnSync } from 'node:child_process'

/** Finds the program; `undefined` where there is none. */
export function findTypeScriptNode() {
  if (process.features.typescript) return process.execPath
  const args = ['-y', '-p', 'node@24', '--', 'node', '-p', 'process.execPath']
  const { status, stdout } = spawnSync('npx', args, { encoding: 'utf8', timeout: 120_000 })
  return status === 0 ? stdout.trim().split('\n').at(-1) : undefined
}
