/**
 * Apps in processes of their own, which sign in with the keys that they are told of, and live at the
 * time of the test.
 *
 * @module
 */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { OidcEvent } from '@countersign/core'
import type { AppKeys } from './key-kinds.ts'

const app = fileURLToPath(new URL('app/app.js', import.meta.url))

/** An app, listening. */
export interface KeyApp {
  readonly url: string
  /** What it has told of until now: nothing of it is still on the way. */
  readEvents(): Promise<readonly OidcEvent[]>
  /** Moves its clock, by seconds. */
  advance(seconds: number): Promise<void>
  close(): Promise<void>
}

/** What holds the ports of apps that are yet to be started. */
const held = new Map<string, Server>()

/** An address for an app that is yet to be started. Nobody else can take it meanwhile. */
export async function findAppUrl(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1').unref()
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  held.set(url, server)
  return url
}

/** Starts an app at an address that was found for it. */
export async function startKeyApp(
  { env, keys }: AppKeys,
  { issuer, url }: { readonly issuer: string; readonly url: string },
): Promise<KeyApp> {
  const oidc = {
    OIDC_ISSUER: issuer,
    OIDC_CLIENT_ID: 'app',
    OIDC_BASE_URL: url,
    OIDC_SESSION_SECRET: 'a secret of the tests without a single comma in it',
  }
  const port = held.get(url)
  if (!port) throw new TypeError(`${url} is no address that was found for an app`)
  held.delete(url)
  const settings = { keys, env: { ...oidc, OIDC_CLIENT_KEY: env['OIDC_CLIENT_KEY'] } }
  // What the vendors' libraries say of themselves is for nobody here
  const quiet = { NODE_OPTIONS: '--no-warnings', AWS_EC2_METADATA_DISABLED: 'true' }
  const child = fork(app, {
    env: { ...process.env, ...quiet, ...env, TEST_APP: JSON.stringify(settings) },
    execArgv: [],
  })
  const events: OidcEvent[] = []
  child.on('message', (message: { readonly event?: OidcEvent }) => {
    if (message.event) events.push(message.event)
  })
  await waitFor(child, 'loaded')
  const listening = waitFor(child, 'listening')
  child.send({ port: true }, port)
  await listening
  port.close()
  async function advance(seconds: number): Promise<void> {
    const advanced = waitFor(child, 'advanced')
    child.send({ advance: seconds })
    await advanced
  }
  return {
    url,
    advance,
    async readEvents() {
      // Messages come in their order: with this answer all that were sent before it are here
      await advance(0)
      return [...events]
    },
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exit = once(child, 'exit')
      child.disconnect()
      const timer = setTimeout(() => child.kill('SIGKILL'), 5000)
      await exit
      clearTimeout(timer)
    },
  }
}

function waitFor(child: ChildProcess, name: 'loaded' | 'listening' | 'advanced'): Promise<void> {
  return new Promise((resolve, reject) => {
    const ended = () => reject(new Error('the app has ended'))
    const listen = (message: object) => {
      if (!(name in message)) return
      child.off('exit', ended)
      child.off('message', listen)
      resolve()
    }
    child.once('exit', ended)
    child.on('message', listen)
  })
}
