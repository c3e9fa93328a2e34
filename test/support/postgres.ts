/**
 * A real PostgreSQL for the tests. What it acknowledges is on the disk: it survives a SIGKILL.
 *
 * @module
 */

import { execFile, execFileSync } from 'node:child_process'
import { chownSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import connectPgSimple, { type PGStoreOptions } from 'connect-pg-simple'
import session from 'express-session'
import pg from 'pg'
import { explainSkip } from './installed.ts'
import {
  findProgram,
  makeFolder,
  type OpenStore,
  type ServerProcess,
  startServer,
} from './server-process.ts'

const run = promisify(execFile)

/** Where Debian keeps its versions, the newest first. */
const debian = '/usr/lib/postgresql'
const folders = [
  ...(existsSync(debian) ? readdirSync(debian) : [])
    .sort((one, other) => Number(other) - Number(one))
    .map((version) => join(debian, version, 'bin')),
  ...['/usr/pgsql/bin', '/usr/local/pgsql/bin', '/opt/homebrew/bin', '/usr/local/bin', '/usr/sbin'],
]
const programs = {
  initdb: findProgram('initdb', folders),
  server: findProgram('postgres', folders),
}
const isHere = programs.initdb !== undefined && programs.server !== undefined
const missing = isHere ? [] : ['PostgreSQL (apt-get install postgresql)']

/** Why tests with PostgreSQL cannot run here. */
export const postgresSkipReason = explainSkip(missing)

/** Starts a PostgreSQL that only this machine reaches, whose user `postgres` needs no password. */
export async function startPostgres(): Promise<ServerProcess> {
  const { initdb, server } = programs
  if (initdb === undefined || server === undefined) {
    throw new Error(`these tests need more: install ${missing.join()}`)
  }
  const user = findUser()
  const folder = makeFolder('postgres')
  if (user) chownSync(folder, user.uid, user.gid)
  const data = join(folder, 'data')
  try {
    const settings = ['--username=postgres', '--auth=trust', '--encoding=UTF8', '--locale=C']
    await run(initdb, [`--pgdata=${data}`, '--no-sync', ...settings], { cwd: folder, ...user })
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
  return await startServer({
    name: 'PostgreSQL',
    folder,
    user,
    url: (port) => `postgres://postgres@127.0.0.1:${port}/postgres`,
    command: (port) => [
      server,
      ...['-D', data, '-h', '127.0.0.1', '-p', `${port}`, '-k', ''],
      ...['-c', 'max_connections=200', '-c', 'shared_buffers=32MB'],
    ],
    async greet(connectionString) {
      const client = new pg.Client({ connectionString, connectionTimeoutMillis: 5000 })
      // Told to whoever waits as well
      client.on('error', () => {})
      try {
        await client.connect()
        await client.query('SELECT 1')
      } finally {
        await client.end().catch(() => {})
      }
    },
  })
}

/** Whom it runs as, since it refuses to run as root. */
function findUser(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const id = (flag: string, name: string) =>
    Number(
      execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    )
  for (const name of ['postgres', 'nobody']) {
    try {
      return { uid: id('-u', name), gid: id('-g', name) }
    } catch {
      // There is no such user
    }
  }
  throw new Error('PostgreSQL does not run as root, and there is neither "postgres" nor "nobody"')
}

const PostgresStore = connectPgSimple(session)

/** Opens connect-pg-simple over a pool of its own, and makes its table where there is none. */
export async function openPostgresStore(
  connectionString: string,
  options: PGStoreOptions = {},
): Promise<OpenStore> {
  const pool = new pg.Pool({ connectionString })
  // Told to whoever asks something as well
  pool.on('error', () => {})
  const settings = { pool, createTableIfMissing: true, pruneSessionInterval: false } as const
  const store = new PostgresStore({ ...settings, ...options })
  try {
    await new Promise<void>((resolve, reject) => {
      store.get('nobody', (error) => (error ? reject(error) : resolve()))
    })
  } catch (error) {
    await pool.end()
    throw error
  }
  return {
    store,
    async close() {
      await store.close()
      await pool.end()
    },
  }
}
