/**
 * The examples as their users run them: each a process of its own, told everything by its environment.
 *
 * @module
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateClientKey, type Provider } from '@countersign/testing'
import { findPort } from '../house/ports.ts'

export { findPort } from '../house/ports.ts'

const folder = join(import.meta.dirname, '../../examples')

/** The names of the examples, and of the adapters that they show. */
export const exampleNames = ['express', 'koa', 'fastify'] as const

/** The name of an example. */
export type ExampleName = (typeof exampleNames)[number]

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string>>

/** How a process ended, and what it said. */
export interface Ending {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** An example, answering. */
export interface Example {
  readonly name: ExampleName
  readonly url: string
  /** Ends it as a supervisor would. */
  stop(): Promise<Ending>
  /** Ends it without a chance to say or do anything. */
  kill(): Promise<Ending>
}

/** How long an example may take to listen, in milliseconds. */
const startLimit = 20_000

/**
 * Starts an example on a free port of `http://localhost`, or on the `PORT` of its environment, and waits
 * until it says that it listens. `program` is run in its place.
 */
export async function startExample(
  name: ExampleName,
  env: Environment,
  program: string = programOf(name),
): Promise<Example> {
  for (let attempt = 1; ; attempt++) {
    const url = `http://localhost:${env['PORT'] ?? (await findPort())}`
    const address = { PORT: new URL(url).port, OIDC_BASE_URL: url }
    const { child, listening, ending } = spawnExample(program, { ...address, ...env })
    const timer = setTimeout(() => child.kill('SIGKILL'), startLimit)
    const ended = await Promise.race([listening, ending])
    clearTimeout(timer)
    if (!ended) {
      const end = (signal: NodeJS.Signals) => {
        child.kill(signal)
        return ending
      }
      return { name, url, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') }
    }
    // Somebody else has taken the port since
    if (ended.stderr.includes('EADDRINUSE') && attempt < 5) continue
    const how = ended.code === null ? `was killed after ${startLimit} ms` : `ended: ${ended.code}`
    throw new Error(`the ${name} example ${how}\n${ended.stdout}${ended.stderr}`)
  }
}

/** Runs an example in an environment in which it is not expected to stay. */
export function runExample(name: ExampleName, env: Environment): Promise<Ending> {
  return spawnExample(programOf(name), env).ending
}

/** An example that is a client of a provider, by a key that it publishes itself. */
export interface RegisteredExample extends Example {
  /** What it was told, besides its address. */
  readonly env: Environment
}

/**
 * Starts an example on a free port, as a client of this provider. Its client identifier is its name.
 * `more` is what it is told besides.
 */
export async function startRegisteredExample(
  name: ExampleName,
  provider: Provider,
  more: Environment = {},
): Promise<RegisteredExample> {
  const keyFolder = await mkdtemp(join(tmpdir(), 'countersign-example-'))
  const { privateKeyPem } = await generateClientKey()
  await writeFile(join(keyFolder, 'key.pem'), privateKeyPem, { mode: 0o600 })
  const env = {
    OIDC_ISSUER: provider.issuer,
    OIDC_CLIENT_ID: name,
    OIDC_CLIENT_KEY: `file:${join(keyFolder, 'key.pem')}`,
    OIDC_SESSION_SECRET: 'a session secret for tests and nothing but tests',
    ...more,
  }
  const example = await startExample(name, env)
  await registerApp(provider, name, example.url)
  return {
    ...example,
    env,
    async stop() {
      const ending = await example.stop()
      await rm(keyFolder, { recursive: true })
      return ending
    },
  }
}

/** Makes an app that publishes its keys a client of a provider. */
export function registerApp(provider: Provider, clientId: string, url: string): Promise<void> {
  return provider.addClient({
    clientId,
    name: 'Countersign example',
    jwksUri: `${url}/.well-known/jwks.json`,
    redirectUris: [`${url}/callback`],
    postLogoutRedirectUris: [`${url}/`],
    backchannelLogoutUri: `${url}/backchannel-logout`,
  })
}

interface Running {
  readonly child: ChildProcess
  /** Resolves, perhaps never, when the app has said where it is. */
  readonly listening: Promise<void>
  readonly ending: Promise<Ending>
}

function programOf(name: ExampleName): string {
  return join(folder, name, 'server.js')
}

function spawnExample(program: string, env: Environment): Running {
  const { PATH = '' } = process.env
  const child = spawn(process.execPath, [program], {
    env: { PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  const listening = new Promise<void>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
      if (/^The app is at .*\n/m.test(stdout)) resolve()
    })
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const ending = once(child, 'close').then(([code]) => ({ code, stdout, stderr }))
  return { child, listening, ending }
}
