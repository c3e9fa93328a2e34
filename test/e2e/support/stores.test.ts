import pg from 'pg'
import { createClient } from 'redis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeEach } from '../../support/installed.ts'
import { postgresSkipReason, startPostgres } from '../../support/postgres.ts'
import { redisSkipReason, startRedis } from '../../support/redis.ts'
import type { ServerProcess } from '../../support/server-process.ts'

/** Speaks to a store over a connection of its own. */
interface Speaker {
  write(text: string): Promise<void>
  read(): Promise<string | undefined>
}

const redis: (url: string) => Speaker = (url) => {
  async function speak(command: readonly string[]): Promise<string | undefined> {
    const client = createClient({ url, socket: { reconnectStrategy: false } })
    client.on('error', () => {})
    try {
      await client.connect()
      return String(await client.sendCommand(command))
    } finally {
      client.destroy()
    }
  }
  return {
    write: async (text) => void (await speak(['SET', 'kept', text])),
    read: () => speak(['GET', 'kept']),
  }
}

const postgres: (url: string) => Speaker = (connectionString) => {
  async function speak(query: string, values: readonly string[] = []): Promise<string | undefined> {
    const client = new pg.Client({ connectionString })
    client.on('error', () => {})
    try {
      await client.connect()
      const { rows } = await client.query<{ text: string }>(query, [...values])
      return rows[0]?.text
    } finally {
      await client.end().catch(() => {})
    }
  }
  return {
    async write(text) {
      await speak('CREATE TABLE kept (text text)')
      await speak('INSERT INTO kept VALUES ($1)', [text])
    },
    read: () => speak('SELECT text FROM kept'),
  }
}

const kinds = [
  { name: 'Redis', skipReason: redisSkipReason, start: startRedis, speaker: redis },
  { name: 'PostgreSQL', skipReason: postgresSkipReason, start: startPostgres, speaker: postgres },
]

describeEach(kinds)('$name', ({ start, speaker }) => {
  let server: ServerProcess
  beforeAll(async () => {
    server = await start()
  }, 60_000)
  afterAll(() => server.close())

  test('what was acknowledged survives a SIGKILL, and nobody answers before the restart', async () => {
    const { write, read } = speaker(server.url)
    await write('acknowledged')
    await server.kill()
    await expect(read()).rejects.toThrow()
    await server.restart()
    expect(await read()).toBe('acknowledged')
  })

  test('a restart without a kill before is one too', async () => {
    await server.restart()
    expect(await speaker(server.url).read()).toBe('acknowledged')
  })
})
