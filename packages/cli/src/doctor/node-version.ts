/**
 * Whether Node is one that Countersign runs on, and loads it the way that the app asks for.
 *
 * @module
 */

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Problem } from './finding.ts'
import { isObject, parseJson } from './untrusted.ts'

/** What is wrong with a version of Node, for an app in this folder. */
export function* findNodeFault(version: string, cwd: string): Generator<Problem> {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19)) {
    yield {
      severity: 'broken',
      what: [`this is Node ${version}, and Countersign needs 20.19 or later`],
      means: 'An app on this version does not start, or fails at its first login.',
      fix: 'Install a version of Node that is maintained: https://nodejs.org.',
    }
    return
  }
  // Between the two, require() takes no ES modules
  const isBetween = major === 21 || (major === 22 && minor < 12)
  if (!isBetween || isModule(cwd)) return
  yield {
    severity: 'warning',
    what: [`this is Node ${version}, and its package.json says CommonJS`],
    means: 'Countersign is ES modules, and require() takes them from Node 22.12 on.',
    fix: 'Take a later version of Node, or load Countersign with import.',
  }
}

/** Whether the files of a folder are ES modules, by the `package.json` that is nearest. */
function isModule(folder: string): boolean {
  const path = join(folder, 'package.json')
  if (existsSync(path)) {
    const manifest = parseJson(readFileSync(path, 'utf8'))
    return isObject(manifest) && manifest['type'] === 'module'
  }
  const parent = dirname(folder)
  return parent === folder || isModule(parent)
}
