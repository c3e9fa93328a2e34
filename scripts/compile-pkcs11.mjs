// @ts-check
/**
 * Compiles pkcs11js for the tests. It comes as source, and whoever has no compiler is to have all the
 * rest: then the tests of PKCS#11 are skipped, and say so.
 */

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const { resolve } = createRequire(new URL('../packages/kms/package.json', import.meta.url))
const folder = dirname(resolve('pkcs11js/package.json'))

if (!existsSync(join(folder, 'build/Release/pkcs11.node'))) {
  // The last one that runs on Node 20
  const { status, stderr } = spawnSync('npx', ['-y', 'node-gyp@12', 'rebuild'], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  if (status !== 0) {
    const why = stderr.split('\n').filter((line) => line.includes('ERR! stack'))
    process.stderr.write(
      `pkcs11js cannot be compiled; g++, make and Python are needed:\n${why.join('\n')}\n`,
    )
  }
}
