/**
 * Several processes of one app, which share their sessions and their End-Users' cookies.
 *
 * @module
 */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { OidcEvent, Options } from '@countersign/core'
import { findPort } from '../../house/ports.ts'

const app = fileURLToPath(new URL('session-app/app.js', import.meta.url))

/** One process. */
export interface AppProcess {
  /** Where it listens. All processes have the `baseUrl` of the first one. */
  readonly url: string
  readonly events: readonly OidcEvent[]
  /** Moves its clock, by seconds. */
  advance(seconds: number): Promise<void>
  /** Ends it as a failing machine would. */
  kill(): Promise<void>
  close(): Promise<void>
}

/** What the processes are told. */
export interface SessionAppSettings {
  /** `REDIS_URL` or `DATABASE_URL`. Neither: sessions are in their cookies. */
  readonly env: Readonly<Record<string, string>>
  readonly options: Partial<Options>
}

/** An address for an app that is yet to be started. */
export async function findAppUrl(): Promise<string> {
  return `http://localhost:${await findPort()}`
}

/** Starts processes: the first one listens at `url`. */
export async function startSessionApps(
  count: number,
  url: string,
  settings: SessionAppSettings,
): Promise<readonly AppProcess[]> {
  const addresses = [url]
  while (addresses.length < count) addresses.push(await findAppUrl())
  return await Promise.all(addresses.map((address) => start(address, url, settings)))
}

async function start(
  url: string,
  baseUrl: string,
  { env, options }: SessionAppSettings,
): Promise<AppProcess> {
  const settings = { port: Number(new URL(url).port), options: { ...options, baseUrl } }
  const child = fork(app, {
    env: { ...process.env, ...env, SESSION_APP: JSON.stringify(settings) },
    execArgv: [],
  })
  const events: OidcEvent[] = []
  child.on('message', ({ event }: { readonly event?: OidcEvent }) => {
    if (event) events.push(event)
  })
  async function end(): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
  }
  try {
    await waitFor(child, 'listening')
  } catch (error) {
    await end()
    throw error
  }
  return {
    // Not "localhost": it may be another address first
    url: url.replace('localhost', '127.0.0.1'),
    events,
    async advance(seconds) {
      child.send({ advance: seconds })
      await waitFor(child, 'advanced')
    },
    kill: end,
    async close() {
      if (child.connected) child.disconnect()
      const timer = setTimeout(() => child.kill('SIGKILL'), 5000)
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      clearTimeout(timer)
    },
  }
}

/** Milliseconds in which a process starts. */
const startTime = 20_000

function waitFor(child: ChildProcess, name: 'listening' | 'advanced'): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = () => finish(() => reject(new Error(`the app did not say "${name}"`)))
    const timer = setTimeout(fail, startTime)
    const listen = (message: object) => {
      if (name in message) finish(resolve)
    }
    function finish(settle: () => void): void {
      clearTimeout(timer)
      child.off('exit', fail)
      child.off('message', listen)
      settle()
    }
    child.once('exit', fail)
    child.on('message', listen)
  })
}
