/**
 * What an installation adds to a framework: packages and bytes, from packed tarballs and the registry.
 *
 * @module
 */

import { spawnSync } from 'node:child_process'
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { adapterOf, bare, ours } from './suites.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path) => JSON.parse(readFileSync(path, 'utf8'))

/** Installs each app's dependencies into a folder of its own; `undefined` where that fails. */
export function measureFootprint(suite) {
  const { framework, peer, packages } = suite
  const folder = mkdtempSync(join(tmpdir(), 'bench-'))
  try {
    const { packageManager } = read(join(root, 'package.json'))
    const packed = Object.fromEntries(
      ['core', framework].map((name) => {
        const tarball = join(folder, `${name}.tgz`)
        const cwd = join(root, 'packages', name)
        run('npx', ['-y', packageManager, 'pack', '--out', tarball], cwd)
        return [`@countersign/${name}`, `file:${tarball}`]
      }),
    )
    const { devDependencies } = read(new URL('package.json', import.meta.url))
    const { version } = read(new URL(`node_modules/${framework}/package.json`, import.meta.url))
    const dependencies = {
      [bare]: {},
      [ours]: packed,
      [peer]: Object.fromEntries(packages.map((name) => [name, devDependencies[name]])),
    }
    const installed = Object.entries(dependencies).map(([kind, own]) => [
      kind,
      install(join(folder, kind), { [framework]: version, ...own }),
    ])
    return subtractFloor(Object.fromEntries(installed))
  } catch (error) {
    process.stderr.write(`The footprint of ${adapterOf(suite)} is left out: ${error.message}\n`)
    return undefined
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function install(cwd, dependencies) {
  mkdirSync(cwd)
  writeFileSync(join(cwd, 'package.json'), JSON.stringify({ private: true, dependencies }))
  run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'], cwd)
  const { packages } = read(join(cwd, 'package-lock.json'))
  return { packages: Object.keys(packages).length - 1, bytes: sizeOf(join(cwd, 'node_modules')) }
}

function subtractFloor({ [bare]: floor, ...others }) {
  return Object.fromEntries(
    Object.entries(others).map(([kind, { packages, bytes }]) => [
      kind,
      { packages: packages - floor.packages, bytes: bytes - floor.bytes },
    ]),
  )
}

function sizeOf(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .map((entry) => [entry, join(folder, entry.name)])
    .reduce((sum, [entry, path]) => {
      if (entry.isDirectory()) return sum + sizeOf(path)
      return sum + (entry.isFile() ? lstatSync(path).size : 0)
    }, 0)
}

function run(command, args, cwd) {
  const { status, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8', timeout: 180_000 })
  if (status !== 0) throw new Error(`"${command} ${args.join(' ')}" failed: ${stderr}`)
}
