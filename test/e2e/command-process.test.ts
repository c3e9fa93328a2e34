import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateClientKey } from '@countersign/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { run } from '../house/children.ts'
import { findPort } from '../house/ports.ts'

const root = join(import.meta.dirname, '../..')
const bin = join(root, 'packages/cli/bin/countersign.js')
const isBuilt = existsSync(join(root, 'packages/cli/dist/main.js'))

let cwd: string
let starter: ChildProcess | undefined
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'countersign-'))
})
afterEach(() => {
  if (starter) killAll(starter)
  starter = undefined
  rmSync(cwd, { recursive: true })
})

/** Starts the emulator as npm does: by another process, which does not end it. */
const start = `
  const { spawn } = require('node:child_process')
  spawn(process.execPath, process.argv.slice(1), { stdio: 'inherit' })
`

/** Ends what was started, and what that has started and left behind. */
function killAll({ pid = 0 }: ChildProcess): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

async function startEmulator(env: Readonly<Record<string, string>>): Promise<string> {
  const { privateKeyPem } = await generateClientKey('ES256')
  const issuer = `http://127.0.0.1:${await findPort()}`
  const clean = Object.entries(process.env).filter(([name]) => !/^(?:npm|OIDC)_/.test(name))
  starter = spawn(process.execPath, ['-e', start, '--', bin, 'emulator', '--json'], {
    cwd,
    env: {
      ...Object.fromEntries(clean),
      OIDC_ISSUER: issuer,
      OIDC_CLIENT_ID: 'app',
      OIDC_CLIENT_KEY: privateKeyPem,
      OIDC_BASE_URL: 'http://localhost:3000',
      OIDC_SESSION_SECRET: '7ebf29bd1d5f3e1c0a9b8c7d6e5f4031',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  const { stdout } = starter
  if (!stdout) throw new Error('it has no standard output')
  const [line] = await once(stdout, 'data')
  expect(JSON.parse(String(line))).toMatchObject({ type: 'ready', issuer })
  return issuer
}

async function isThere(issuer: string): Promise<boolean> {
  const url = `${issuer}/.well-known/openid-configuration`
  return await fetch(url).then(
    ({ ok }) => ok,
    () => false,
  )
}

describe.skipIf(!isBuilt && !process.env['CI'])('the command as a process', () => {
  test('says itself that a file of variables is missing, where Node does not say it before', async () => {
    expect(await run([process.execPath, bin, '-e', 'nope.env', 'keygen'], { cwd })).toEqual({
      status: 2,
      stdout: '',
      stderr: `countersign: ${join(cwd, 'nope.env')}: there is no such file or folder (ENOENT)\n`,
    })
    const long = await run([process.execPath, bin, '--env-file', 'nope.env', 'keygen'], { cwd })
    expect(long).toMatchObject({ stdout: '', stderr: expect.stringMatching(/^.*nope\.env.*\n$/) })
    expect(long.status).not.toBe(0)
  })

  test('is an emulator that ends with npm, which may be ended without a word to it', async () => {
    const issuer = await startEmulator({ npm_command: 'exec' })
    expect(await isThere(issuer)).toBe(true)
    starter?.kill('SIGKILL')
    await expect.poll(() => isThere(issuer), { timeout: 20_000 }).toBe(false)
  })
})
