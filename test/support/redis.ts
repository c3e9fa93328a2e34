/**
 * A real Redis for the tests. What it acknowledges is on the disk: it survives a SIGKILL.
 *
 * @module
 */

import { RedisStore } from 'connect-redis'
import { createClient } from 'redis'
import { explainSkip } from './installed.ts'
import {
  findProgram,
  makeFolder,
  type OpenStore,
  type ServerProcess,
  startServer,
} from './server-process.ts'

const program = findProgram('redis-server', ['/usr/sbin', '/usr/local/bin', '/opt/homebrew/bin'])
const missing = program === undefined ? ['Redis (apt-get install redis-server)'] : []

/** Why tests with Redis cannot run here. */
export const redisSkipReason = explainSkip(missing)

/** Starts a Redis that only this machine reaches, without a password. */
export async function startRedis(): Promise<ServerProcess> {
  if (program === undefined) {
    throw new Error(`these tests need more: install ${missing.join()}`)
  }
  const folder = makeFolder('redis')
  return await startServer({
    name: 'Redis',
    folder,
    url: (port) => `redis://127.0.0.1:${port}`,
    command: (port) => [
      program,
      ...['--bind', '127.0.0.1', '--port', `${port}`, '--dir', folder],
      ...['--save', '', '--appendonly', 'yes', '--appendfsync', 'always', '--daemonize', 'no'],
    ],
    async greet(url) {
      const client = createClient({ url, socket: { reconnectStrategy: false } })
      // Told to whoever waits as well
      client.on('error', () => {})
      try {
        await client.connect()
        // Refused while it reads its data
        await client.get('ready')
      } finally {
        client.destroy()
      }
    },
  })
}

/** Opens connect-redis over a connection of its own. */
export async function openRedisStore(url: string): Promise<OpenStore> {
  const client = createClient({ url })
  // Told to whoever asks something as well
  client.on('error', () => {})
  await client.connect()
  return { store: new RedisStore({ client }), close: async () => client.destroy() }
}
