/**
 * Packages of others, and our own as built. The vendors' packages are those of the tests next door.
 *
 * @module
 */

import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

/** Imports a package. */
export async function loadPackage(name) {
  const loaded = await import(name)
  return loaded.default && Object.keys(loaded).length === 1 ? loaded.default : loaded
}

/** Imports a built module of the core's, also one that is for nobody outside. */
export function loadCore(path) {
  return import(new URL(`../../../packages/core/dist/${path}`, import.meta.url).href)
}

/** The version of a package that is installed. */
export function readVersion(name) {
  const folders = createRequire(import.meta.url).resolve.paths(name)
  const path = folders.map((folder) => `${folder}/${name}/package.json`).find(existsSync)
  return path && JSON.parse(readFileSync(path, 'utf8')).version
}
