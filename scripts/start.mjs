// @ts-check
/**
 * `npm start`: the Express example and a local OpenID Provider to sign in at, with a client key that is
 * made on the spot and removed at the end. With OIDC_PROVIDER alone, the local provider is the emulator of
 * that one. With OIDC_ISSUER in the environment, the example runs against that provider instead.
 */

import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { styleText } from 'node:util'
import { findPreset } from '../packages/core/dist/index.js'
import { describeUnknownPreset } from '../packages/core/dist/inspection.js'
import {
  defaultAccounts,
  generateClientKey,
  startProvider,
} from '../packages/testing/dist/index.js'
import { buildEmulatedApp } from './emulated.mjs'

const example = fileURLToPath(new URL('../examples/express/server.js', import.meta.url))

/** Ends the example when this process is gone, however it went: then its standard input ends. */
const watchParent =
  'data:text/javascript,process.stdin.once("close",()=>process.exit()).resume().unref()'

/** What has to be undone, last thing first. @type {(() => unknown)[]} */
const undo = []

/** @type {import('node:child_process').ChildProcess | undefined} */
let app
let isStopping = false

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop(0))
if (process.env.npm_lifecycle_event !== undefined) stopWithParent()

try {
  // A variable that is there means a provider of theirs; what is missing or misspelt, the example says
  const ours = ['OIDC_SCOPE', 'OIDC_PROVIDER', 'OIDC_ACR_VALUES']
  const isTheirs = Object.keys(process.env).some(
    (name) => /^OIDC/.test(name) && !ours.includes(name),
  )
  const text = process.env.PORT?.trim() || '3000'
  const port = readPort(text)
  const run = isTheirs ? runWithTheirs : runWithOurs
  process.exitCode = port
    ? await run(port)
    : refuse(`PORT has to be a number from 1 to 65535, and is ${JSON.stringify(text)}`)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n`)
  process.exitCode = 1
}
await stop(Number(process.exitCode))

/** @param {number} port the first to try @returns {Promise<number>} the exit code */
async function runWithOurs(port) {
  const name = process.env.OIDC_PROVIDER?.trim()
  const preset = name ? findPreset(name) : undefined
  if (name && !preset) {
    return refuse(`OIDC_PROVIDER: ${JSON.stringify(name)} ${describeUnknownPreset(name)}`)
  }
  const appPort = await findPort(port)
  const baseUrl = `http://localhost:${appPort}`
  const jwksUri = `${baseUrl}/.well-known/jwks.json`
  const clientId = 'countersign-example'

  const write = createPrivateFolder()
  const { env, client } = preset
    ? await buildEmulatedApp(preset, { jwksUri, write })
    : { env: { OIDC_CLIENT_KEY: await writeKey(write) }, client: { jwksUri } }
  const provider = await startProvider({
    port: await findPort(4000, appPort),
    ...(preset && { preset }),
    clients: [
      {
        clientId,
        name: 'Countersign example',
        redirectUris: [`${baseUrl}/callback`],
        postLogoutRedirectUris: [`${baseUrl}/`],
        backchannelLogoutUri: `${baseUrl}/backchannel-logout`,
        ...client,
      },
    ],
    onLog: (line) => void process.stderr.write(`provider: ${line}\n`),
  })
  undo.push(() => provider.close())

  return await runExample(
    {
      ...withoutOurVariables(process.env),
      PORT: String(appPort),
      OIDC_ISSUER: provider.issuer,
      OIDC_CLIENT_ID: clientId,
      OIDC_BASE_URL: baseUrl,
      OIDC_SESSION_SECRET: randomBytes(32).toString('hex'),
      ...(!preset && { OIDC_SCOPE: process.env.OIDC_SCOPE || 'openid profile email' }),
      ...env,
    },
    appPort,
    [
      ['Open', bold(baseUrl)],
      ['Sign in as', `${listNames()} (no password)`],
      ['Provider', preset ? `${provider.issuer}, as strict as ${preset.name}` : provider.issuer],
      // An app with a secret has no keys to show
      ...(env.OIDC_CLIENT_KEY ? [/** @type {const} */ (['JWK Set', jwksUri])] : []),
    ],
  )
}

/** @param {number} port @returns {Promise<number>} the exit code */
async function runWithTheirs(port) {
  const { OIDC_BASE_URL: baseUrl = '', OIDC_ISSUER: issuer = '' } = process.env
  return await runExample({ ...process.env, PORT: String(port) }, port, [
    ['Open', bold(baseUrl)],
    ['Sign in at', issuer],
  ])
}

/** Says why nothing is started. @param {string} fault @returns {number} the exit code */
function refuse(fault) {
  process.stderr.write(`${fault}\n`)
  return 2
}

/** @param {string} text */
function readPort(text) {
  return /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined
}

/**
 * Runs the example until it ends.
 *
 * @param {NodeJS.ProcessEnv} env
 * @param {number} port
 * @param {readonly (readonly [label: string, text: string])[]} lines what to say once it answers
 */
async function runExample(env, port, lines) {
  const child = spawn(process.execPath, ['--import', watchParent, example], {
    env,
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  app = child
  const ended = once(child, 'exit')
  if (await answers(child, `http://127.0.0.1:${port}/`)) {
    const rows = lines.map(([label, text]) => `    ${dim(label.padEnd(12))}${text}`)
    const title = `  ${accent('✓✓')} ${bold('Countersign')} is ready`
    process.stdout.write(`\n${title}\n\n${rows.join('\n')}\n\n    ${dim('Ctrl+C to stop')}\n\n`)
  }
  const [code, signal] = await ended
  if (signal !== null && !isStopping) process.stderr.write(`the example was ended by ${signal}\n`)
  return isStopping ? 0 : (code ?? 1)
}

/** Whether the app answers before it ends. @param {import('node:child_process').ChildProcess} child @param {string} url */
async function answers(child, url) {
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null || isStopping) return false
    const response = await fetch(url, { signal: AbortSignal.timeout(1000) }).catch(() => undefined)
    if (response?.ok) return true
    await delay(50)
  }
}

/** Makes a folder that only this user can read, and returns what writes a file into it: its URI comes back. */
function createPrivateFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  undo.push(remove)
  process.once('exit', remove)
  return (/** @type {string} */ name, /** @type {string} */ text) => {
    const file = join(folder, name)
    writeFileSync(file, text, { mode: 0o600 })
    return pathToFileURL(file).href
  }
}

/** Makes a key, and returns its URI. @param {(name: string, text: string) => string} write */
async function writeKey(write) {
  const { privateKeyPem } = await generateClientKey()
  return write('client-key.pem', privateKeyPem)
}

/**
 * The first free port from `first` on; any free one where there is none.
 *
 * @param {number} first
 * @param {number} [taken]
 */
async function findPort(first, taken) {
  for (let port = first; port < Math.min(first + 100, 65_536); port++) {
    if (port !== taken && (await isFree(port))) return port
  }
  return await freePort()
}

/** A browser that is told "localhost" may try either address. @param {number} port */
async function isFree(port) {
  const [v4, v6] = await Promise.all(['127.0.0.1', '::1'].map((host) => listenOnce(port, host)))
  return typeof v4 === 'number' && v6 !== 'EADDRINUSE'
}

async function freePort() {
  const port = await listenOnce(0, '127.0.0.1')
  if (typeof port === 'number') return port
  throw new Error(`no free port was found: ${port}`)
}

/** @param {number} port @param {string} host @returns {Promise<number | string>} the port, or why not */
function listenOnce(port, host) {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error) => resolve('code' in error ? String(error.code) : error.message))
    server.listen(port, host, () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 'closed'))
    })
  })
}

/** What is set for another provider does not fit ours. @param {NodeJS.ProcessEnv} env */
function withoutOurVariables(env) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('OIDC_')))
}

/** npm may be ended without a word to its script. */
function stopWithParent() {
  const parent = process.ppid
  setInterval(() => {
    if (process.ppid !== parent) void stop(0)
  }, 500).unref()
}

/** Ends the app and the provider, removes the key, and exits. @param {number} code */
async function stop(code) {
  if (isStopping) return
  isStopping = true
  if (app && app.exitCode === null && app.signalCode === null) {
    const child = app
    const force = setTimeout(() => child.kill('SIGKILL'), 5000)
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    await ended
    clearTimeout(force)
  }
  for (const step of undo.reverse()) await step()
  process.exit(code)
}

function listNames() {
  const names = defaultAccounts.map(({ sub, claims }) => String(claims?.name ?? sub))
  return new Intl.ListFormat('en', { type: 'disjunction' }).format(names)
}

/** @param {Parameters<typeof styleText>[0]} style @param {string} text */
function dress(style, text) {
  return process.stdout.isTTY && !process.env.NO_COLOR ? styleText(style, text) : text
}

/** @param {string} text */
function bold(text) {
  return dress('bold', text)
}

/** @param {string} text */
function dim(text) {
  return dress('dim', text)
}

/** @param {string} text */
function accent(text) {
  return dress('blueBright', text)
}
