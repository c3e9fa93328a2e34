/**
 * The Express example as its users run it: a process of its own, told everything by its environment.
 *
 * @module
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const server = fileURLToPath(new URL('../../../examples/express/server.js', import.meta.url))

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string>>

/** How a process ended, and what it said. */
export interface Ending {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The example, answering. */
export interface Example {
  readonly url: string
  /** Ends it as a supervisor would. */
  stop(): Promise<Ending>
}

/** A port of loopback that was free a moment ago, for an app that has to know its address before. */
export async function findPort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}

/** Starts the example at `http://localhost:<port>` and waits until it answers. */
export async function startExample(port: number, env: Environment): Promise<Example> {
  const url = `http://localhost:${port}`
  const { child, ending } = spawnExample({ PORT: String(port), OIDC_BASE_URL: url, ...env })
  for (;;) {
    if (child.exitCode !== null) {
      const { stderr } = await ending
      throw new Error(`the example ended with ${child.exitCode}: ${stderr}`)
    }
    const response = await fetch(`${url}/`).catch(() => undefined)
    if (response) break
    await delay(20)
  }
  return {
    url,
    stop() {
      child.kill('SIGTERM')
      return ending
    },
  }
}

/** Runs the example in an environment in which it is not expected to stay. */
export function runExample(env: Environment): Promise<Ending> {
  return spawnExample(env).ending
}

function spawnExample(env: Environment): { child: ChildProcess; ending: Promise<Ending> } {
  const { PATH = '' } = process.env
  const child = spawn(process.execPath, [server], {
    env: { PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const ending = once(child, 'close').then(([code]) => ({ code, stdout, stderr }))
  return { child, ending }
}
