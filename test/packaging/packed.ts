/**
 * Packages as they would be published, and projects that install them.
 *
 * @module
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run, runWell } from '../house/children.ts'
import { readPackageNames, root } from '../house/sources.ts'

/** A package of ours, packed. */
export interface Packed {
  readonly name: string
  readonly folder: string
  readonly tarball: string
  /** The paths in the tarball, without the leading `package/`. */
  readonly files: readonly string[]
}

const npx = ['npx', '-y']
const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** Packs every public package into a folder. */
export async function packAll(target: string): Promise<readonly Packed[]> {
  const packed: Packed[] = []
  for (const folder of readPackageNames()) {
    const cwd = join(root, 'packages', folder)
    const { name } = JSON.parse(readFileSync(join(cwd, 'package.json'), 'utf8'))
    const destination = join(target, folder)
    mkdirSync(destination)
    const tarball = join(destination, 'package.tgz')
    await runWell([...npx, packageManager, 'pack', '--out', tarball], { cwd })
    const list = await runWell(['tar', '-tzf', tarball], { cwd })
    const files = list
      .trim()
      .split('\n')
      .map((path) => path.replace(/^package\//, ''))
    packed.push({ name, folder, tarball, files })
  }
  return packed
}

/** Installs packages, some of them from tarballs, into a new project. */
export async function install(
  cwd: string,
  packed: readonly Packed[],
  names: readonly string[],
): Promise<void> {
  mkdirSync(cwd, { recursive: true })
  const tarballs = Object.fromEntries(packed.map(({ name, tarball }) => [name, `file:${tarball}`]))
  const dependencies = Object.fromEntries(
    names.map((name) => {
      const [, bare = name, range = '*'] = /^(.+)@(.+)$/.exec(name) ?? []
      return [bare, tarballs[bare] ?? range]
    }),
  )
  // npm wants a direct dependency's override to be the dependency itself
  const overrides = Object.fromEntries(
    Object.entries(tarballs).map(([name, path]) => [
      name,
      name in dependencies ? `$${name}` : path,
    ]),
  )
  const manifest = { name: 'consumer', private: true, dependencies, overrides }
  writeFileSync(join(cwd, 'package.json'), JSON.stringify(manifest, undefined, 2))
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']
  await runWell(['npm', 'install', ...flags], { cwd })
}

/** The packages that are installed in a project, by path. */
export function readInstalled(cwd: string): readonly string[] {
  const lock = JSON.parse(readFileSync(join(cwd, 'package-lock.json'), 'utf8'))
  return Object.keys(lock.packages).filter((path) => path !== '')
}

/** Whether npm's registry answers. */
export async function isRegistryReachable(): Promise<boolean> {
  const flags = ['--prefer-online', '--fetch-retries=0', '--fetch-timeout=10000']
  const { status } = await run(['npm', 'view', 'express', 'version', ...flags], { cwd: root })
  return status === 0
}
