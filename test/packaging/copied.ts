/**
 * The examples as somebody has them who copied one folder out of the repository.
 *
 * @module
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { runWell } from '../house/children.ts'
import { findPort } from '../house/ports.ts'
import { root } from '../house/sources.ts'
import type { Packed } from './packed.ts'

/** Copies an example and installs it, with packed packages in place of those of the registry. */
export async function copyExample(
  name: string,
  cwd: string,
  packed: readonly Packed[],
): Promise<void> {
  cpSync(join(root, 'examples', name), cwd, {
    recursive: true,
    filter: (path) => basename(path) !== 'node_modules',
  })
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' })
  writeFileSync(join(cwd, 'client-key.pem'), pem, { mode: 0o600 })
  const needed = packed.filter(({ folder }) => folder === 'core' || folder === name)
  const flags = ['--no-save', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']
  await runWell(['npm', 'install', ...flags, ...needed.map(({ tarball }) => tarball)], { cwd })
}

/** An app that was started. */
export interface Started {
  readonly url: string
  /** Ends it as a supervisor would; answers with how it ended. */
  stop(): Promise<{ readonly code: number | null; readonly stderr: string }>
}

/** Runs the `start` script of an example, with a provider that is not there, and waits until it listens. */
export async function startCopy(cwd: string): Promise<Started> {
  const port = await findPort()
  const url = `http://localhost:${port}`
  const { PATH = '' } = process.env
  const { scripts } = JSON.parse(readFileSync(join(cwd, 'package.json'), 'utf8'))
  // Not by npm itself: the shell that it starts may keep a signal from the app
  const [program = '', ...args] = scripts.start.split(' ')
  const child = spawn(program, args, {
    cwd,
    env: {
      PATH,
      PORT: String(port),
      OIDC_ISSUER: 'http://127.0.0.1:9',
      OIDC_CLIENT_ID: 'copied',
      OIDC_CLIENT_KEY: 'file:./client-key.pem',
      OIDC_BASE_URL: url,
      OIDC_SESSION_SECRET: 'a session secret for tests and nothing but tests',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stderr = ''
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  const ending = once(child, 'close').then(([code]) => ({ code, stderr }))
  const timer = setTimeout(() => child.kill('SIGKILL'), 60_000)
  const ended = await Promise.race([waitForLine(child, `The app is at ${url}`), ending])
  clearTimeout(timer)
  if (ended) throw new Error(`"${scripts.start}" ended with ${ended.code}: ${ended.stderr}`)
  return {
    url,
    stop() {
      child.kill('SIGTERM')
      return ending
    },
  }
}

function waitForLine(child: ChildProcess, line: string): Promise<void> {
  return new Promise((resolve) => {
    let stdout = ''
    child.stdout?.on('data', (chunk) => {
      stdout += chunk
      if (stdout.split('\n').includes(line)) resolve()
    })
  })
}
