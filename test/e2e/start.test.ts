import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { createUserAgent } from '../support/user-agent.ts'

const root = join(import.meta.dirname, '../..')
const isBuilt = existsSync(join(root, 'packages/testing/dist/index.js'))

let child: ChildProcess | undefined
afterEach(() => {
  child?.kill('SIGKILL')
})

function run(env: Record<string, string>) {
  const clean = Object.entries(process.env).filter(([name]) => !name.startsWith('OIDC'))
  const started = spawn(process.execPath, [join(root, 'scripts/start.mjs')], {
    cwd: root,
    env: { ...Object.fromEntries(clean), NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child = started
  const output = { text: '' }
  for (const stream of [started.stdout, started.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output.text += text
    })
  }
  return { started, output }
}

async function untilReady(output: { readonly text: string }): Promise<void> {
  await expect.poll(() => output.text, { timeout: 50_000 }).toContain('Ctrl+C to stop')
}

async function signIn(output: { readonly text: string }): Promise<void> {
  await untilReady(output)
  const [url = ''] = /http:\/\/localhost:\d+/.exec(output.text) ?? []
  const browser = createUserAgent()
  expect((await browser.navigate(url)).status).toBe(200)
  expect((await browser.navigate(`${url}/profile`)).text).toContain('Ada Lovelace')
  browser.close()
}

test.skipIf(!isBuilt && !process.env['CI'])(
  'what "npm start" runs signs in at a local provider, and stops when told to',
  async () => {
    const { started, output } = run({ PORT: '3456' })
    await signIn(output)
    const ended = once(started, 'exit')
    started.kill('SIGTERM')
    expect((await ended)[0]).toBe(0)
  },
  60_000,
)

test.skipIf(!isBuilt && !process.env['CI'])(
  'with OIDC_PROVIDER it signs in at a stand-in for that provider, and breaks none of its rules',
  async () => {
    const { output } = run({ PORT: '3556', OIDC_PROVIDER: 'jiko' })
    await signIn(output)
    expect(output.text).toMatch(/http:\/\/127\.0\.0\.1:\d+, as strict as jiko\n/)
    expect(output.text).not.toContain('is broken')
    expect(output.text).toMatch(/JWK Set +http:\/\/localhost:\d+\/\.well-known\/jwks\.json\n/)
  },
  60_000,
)

test.skipIf(!isBuilt && !process.env['CI'])(
  'it shows no JWK Set of an app that has a secret and no key',
  async () => {
    const { output } = run({ PORT: '3656', OIDC_PROVIDER: 'google' })
    await untilReady(output)
    expect(output.text).toContain('as strict as google\n')
    expect(output.text).not.toContain('JWK Set')
  },
  60_000,
)

test.skipIf(!isBuilt && !process.env['CI'])(
  'a misspelt variable is said, and starts no demo',
  async () => {
    const { started, output } = run({ OIDC_ISSUR: 'https://op.example' })
    const [code] = await once(started, 'close')
    expect(code).toBe(2)
    expect(output.text).toContain('OIDC_ISSUR')
    expect(output.text).toContain('did you mean OIDC_ISSUER?')
  },
)

test.skipIf(!isBuilt && !process.env['CI'])(
  'a misspelt provider is said in one line, with the one that was probably meant',
  async () => {
    const { started, output } = run({ OIDC_PROVIDER: 'jikoo' })
    const [code] = await once(started, 'close')
    expect(code).toBe(2)
    expect(output.text).toBe(
      'OIDC_PROVIDER: "jikoo" is not the name of a provider: did you mean "jiko"?\n',
    )
  },
)

test.skipIf(!isBuilt && !process.env['CI']).each(['abc', '99999'])(
  'that "%s" is no port is said in one line, and no other port taken',
  async (PORT) => {
    const { started, output } = run({ PORT })
    const [code] = await once(started, 'close')
    expect(code).toBe(2)
    expect(output.text).toBe(`PORT has to be a number from 1 to 65535, and is "${PORT}"\n`)
  },
)
