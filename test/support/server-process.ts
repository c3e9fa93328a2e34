/**
 * A server of the system's, run as a child process on a free port of the loopback, with its data in a
 * folder of its own: it can be killed and started again over the same data.
 *
 * @module
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Store } from 'express-session'
import { findPort } from '../house/ports.ts'

/** A running server. */
export interface ServerProcess {
  readonly url: string
  readonly port: number
  /** Kills it and all its children with SIGKILL, and waits until they are gone. */
  kill(): Promise<void>
  /** Starts it again on the same port and the same data, and waits until it answers. */
  restart(): Promise<void>
  /** Ends it, and removes its folder. */
  close(): Promise<void>
}

/** A session store over a connection of its own. */
export interface OpenStore {
  readonly store: Store
  close(): Promise<void>
}

/** How a kind of server is run. */
export interface ServerSettings {
  readonly name: string
  /** The program and its arguments. */
  readonly command: (port: number) => readonly [string, ...string[]]
  readonly url: (port: number) => string
  /** Speaks to it; throws while it is not ready. */
  readonly greet: (url: string) => Promise<unknown>
  readonly folder: string
  /** The user it runs as, where that is not the one who runs the tests. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined
}

/** Milliseconds in which a server must answer, and after which one that should end is killed. */
const startTime = 30_000
const endTime = 10_000
const maxPorts = 5

/** Makes a folder for a server's data. */
export function makeFolder(name: string): string {
  return mkdtempSync(join(tmpdir(), `countersign-${name}-`))
}

/** Finds a program on the PATH, or in other folders. */
export function findProgram(name: string, folders: readonly string[] = []): string | undefined {
  const path = (process.env['PATH'] ?? '').split(delimiter).filter(Boolean)
  return [...path, ...folders].map((folder) => join(folder, name)).find(isExecutable)
}

/** Starts a server on a free port. */
export async function startServer(settings: ServerSettings): Promise<ServerProcess> {
  const { folder } = settings
  let child: ChildProcess | undefined
  const killAtExit = () => child?.kill('SIGKILL')
  process.on('exit', killAtExit)

  async function start(port: number): Promise<void> {
    const started = await launch(settings, port)
    child = started
  }

  async function kill(): Promise<void> {
    const { pid } = child ?? {}
    if (!child || pid === undefined || hasEnded(child)) return
    const ended = once(child, 'exit')
    // So that it has no more children than we see
    signal(pid, 'SIGSTOP')
    const children = readChildren(pid)
    for (const one of [pid, ...children]) signal(one, 'SIGKILL')
    await ended
    await waitUntil(() => !children.some(isAlive), `the children of ${settings.name} are gone`)
  }

  async function close(): Promise<void> {
    process.off('exit', killAtExit)
    if (child && !hasEnded(child)) {
      const ended = once(child, 'exit')
      // Both end at once on it, and PostgreSQL gives its shared memory back
      child.kill('SIGINT')
      await Promise.race([ended, setTimeout(endTime, undefined, { ref: false })])
      await kill()
    }
    rmSync(folder, { recursive: true, force: true })
  }

  try {
    const port = await startOnFreePort(start)
    const restart = async () => {
      await kill()
      await start(port)
    }
    return { url: settings.url(port), port, kill, restart, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Another program may take a port between our look and the server's start: then there is another. */
async function startOnFreePort(start: (port: number) => Promise<void>): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const port = await findPort()
    try {
      await start(port)
      return port
    } catch (error) {
      if (attempt === maxPorts || !/address already in use/i.test(String(error))) throw error
    }
  }
}

/** Starts it, and waits until it answers. Ends it where it does not. */
async function launch(settings: ServerSettings, port: number): Promise<ChildProcess> {
  const { name, command, url, greet, folder, user } = settings
  const [program, ...args] = command(port)
  const child = spawn(program, args, {
    cwd: folder,
    env: { PATH: process.env['PATH'], LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...user,
  })
  let log = ''
  const keep = (chunk: unknown) => {
    log = `${log}${chunk}`.slice(-4000)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  let failure: unknown
  child.on('error', (error) => {
    failure = error
  })
  const until = performance.now() + startTime
  while (performance.now() < until && child.pid !== undefined && !hasEnded(child)) {
    try {
      await greet(url(port))
      // Whoever answers on this port may be somebody else, if ours found it taken
      if (!hasEnded(child)) return child
    } catch (error) {
      failure = error
    }
    await setTimeout(50)
  }
  if (child.pid !== undefined && !hasEnded(child)) {
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  throw new Error(`${name} does not start\n${log}`, { cause: failure })
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

/** The children of a process, where the system tells them. */
function readChildren(pid: number): readonly number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    return children.split(' ').filter(Boolean).map(Number)
  } catch {
    return []
  }
}

function isAlive(pid: number): boolean {
  try {
    // What has ended and was not waited for yet holds nothing any more
    return !/^\d+ \(.*\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It has ended by itself
  }
}

async function waitUntil(condition: () => boolean, what: string): Promise<void> {
  const until = performance.now() + endTime
  while (!condition()) {
    if (performance.now() > until) throw new Error(`waited in vain until ${what}`)
    await setTimeout(10)
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
