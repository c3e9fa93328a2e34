/**
 * Speaking to a session store: with the client that the app has, where it has one, else by connecting.
 *
 * @module
 */

import { createRequire } from 'node:module'
import { connect, Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { isObject } from './untrusted.ts'

/** Milliseconds that a server has to hang up. */
const goodbye = 250

/** How a store is spoken to. */
export interface Greeting {
  readonly url: string
  /** Where the app is, whose packages are used. */
  readonly cwd: string
  readonly milliseconds: number
}

/** What was said. */
export interface Greeted {
  /** `PING`, or a mere connection. */
  readonly how: string
  /** The package that would have said the password, and is not to be had. */
  readonly missing?: string
}

/** Greets a Redis. */
export async function greetRedis(greeting: Greeting): Promise<Greeted> {
  const redis = await loadPackage('redis', greeting.cwd)
  const createClient = readFunction(redis, 'createClient')
  const { url, milliseconds } = greeting
  // The client decodes them; without it they are as wrong
  const { username, password } = new URL(url)
  for (const part of [username, password]) decodeURIComponent(part)
  if (!createClient) return { ...(await greetByConnecting(greeting, 6379)), missing: 'redis' }
  const socket = { reconnectStrategy: false, connectTimeout: milliseconds }
  const client = createClient({ url, socket, disableOfflineQueue: true }) as RedisClient
  client.on('error', () => {})
  try {
    await inTime(
      milliseconds,
      client.connect().then(() => client.ping()),
    )
    return { how: 'PING' }
  } finally {
    client.destroy()
  }
}

/** Greets a PostgreSQL. */
export async function greetPostgres(greeting: Greeting): Promise<Greeted> {
  const pg = await loadPackage('pg', greeting.cwd)
  const Client = readFunction(pg, 'Client')
  if (!Client) return { ...(await greetByConnecting(greeting, 5432)), missing: 'pg' }
  const { url, milliseconds } = greeting
  const socket = new Socket()
  const client = Reflect.construct(Client, [
    { connectionString: url, stream: socket },
  ]) as PostgresClient
  client.on('error', () => {})
  try {
    await inTime(
      milliseconds,
      client.connect().then(() => client.query('SELECT 1')),
    )
    return { how: 'SELECT 1' }
  } finally {
    // Its end may take as long as the server likes, and the program does not
    void Promise.race([client.end(), setTimeout(goodbye, undefined, { ref: false })])
      .catch(() => {})
      .finally(() => socket.destroy())
  }
}

/** The part of the package `redis` that is used. */
interface RedisClient {
  on(event: 'error', listener: () => void): unknown
  connect(): Promise<unknown>
  ping(): Promise<unknown>
  destroy(): void
}

/** The part of the package `pg` that is used. */
interface PostgresClient {
  on(event: 'error', listener: () => void): unknown
  connect(): Promise<unknown>
  query(text: string): Promise<unknown>
  end(): Promise<unknown>
}

/** Loads a package of the app's, if it has it. */
async function loadPackage(name: string, cwd: string): Promise<unknown> {
  try {
    const place = createRequire(join(cwd, 'package.json')).resolve(name)
    return await import(pathToFileURL(place).href)
  } catch {
    return undefined
  }
}

// A CommonJS package may have its names on its default export only
function readFunction(module: unknown, name: string): ((options: object) => unknown) | undefined {
  if (!isObject(module)) return undefined
  const found = module[name] ?? (isObject(module['default']) ? module['default'][name] : undefined)
  return typeof found === 'function' ? (found as (options: object) => unknown) : undefined
}

async function greetByConnecting(
  { url, milliseconds }: Greeting,
  defaultPort: number,
): Promise<Greeted> {
  const { hostname, port } = new URL(url)
  await new Promise<void>((resolve, reject) => {
    const host = hostname.replace(/^\[|\]$/g, '')
    const socket = connect({ host, port: Number(port || defaultPort) })
    const end = (error?: Error) => {
      socket.destroy()
      error ? reject(error) : resolve()
    }
    socket.setTimeout(milliseconds, () => end(buildTimeout()))
    socket.on('error', end)
    socket.on('connect', () => end())
  })
  return { how: 'a connection' }
}

async function inTime(milliseconds: number, work: Promise<unknown>): Promise<void> {
  const waiting = new AbortController()
  try {
    const { signal } = waiting
    const limit = setTimeout(milliseconds, undefined, { signal }).then(() => {
      throw buildTimeout()
    })
    await Promise.race([work, limit])
  } finally {
    waiting.abort()
    // Nobody waits for it any more
    work.catch(() => {})
  }
}

function buildTimeout(): Error {
  return Object.assign(new Error('it did not answer in time'), { code: 'ETIMEDOUT' })
}
