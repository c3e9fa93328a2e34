import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findPort } from '../house/ports.ts'
import { describeUnless } from '../support/installed.ts'
import { postgresSkipReason, startPostgres } from '../support/postgres.ts'
import { redisSkipReason, startRedis } from '../support/redis.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { type DoctorSetting, startDoctorSetting } from './support/doctor-setting.ts'

let setting: DoctorSetting
/** What is here by the name of the package is another one. */
let folder: string
beforeAll(async () => {
  setting = await startDoctorSetting()
  folder = await mkdtemp(join(tmpdir(), 'countersign-doctor-'))
  const place = join(folder, 'node_modules/redis')
  await mkdir(place, { recursive: true })
  await writeFile(join(place, 'index.js'), 'module.exports = {}')
})
afterAll(async () => {
  await setting.close()
  await rm(folder, { recursive: true })
})

const password = 'pa55word'

/** Another user at the same place, with a password that must not be seen. */
function withPassword(url: string): string {
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//somebody:${password}@${host}${pathname}`
}

/** Listens, and keeps its half of each connection open. */
async function listen(
  serve: (socket: Socket) => void,
): Promise<AsyncDisposable & { readonly port: number }> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    serve(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

async function examine(
  changes: Readonly<Record<string, string>>,
  port?: number,
  cwd: string = import.meta.dirname,
): Promise<string> {
  const text = await setting.examine(changes, ['--timeout', '2'], { cwd })
  expect(text).not.toContain(password)
  return port === undefined ? text : text.replaceAll(`${port}`, '<port>')
}

describe('the doctor finds a session store', () => {
  test('in the memory of one process', async () => {
    expect(await examine({ SESSION_STORE: 'memory' })).toMatchInlineSnapshot(`
      "exit code 1
        ! Session store   sessions are in the memory of one process (SESSION_STORE=memory)
                          means: A restart signs everybody out, and a second replica knows nobody of the
                                 first.
                          do:    For more than development set REDIS_URL or DATABASE_URL, or leave all
                                 three away: then sessions are in sealed cookies.
      1 warning, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('that there is not', async () => {
    expect(await examine({ SESSION_STORE: 'reddis' })).toMatchInlineSnapshot(`
      "exit code 2
        ✖ Session store   SESSION_STORE names a store that there is not
                          means: It can be "memory", or be left away: REDIS_URL and DATABASE_URL name a
                                 store as well.
                          do:    Remove it, or set it to "memory".
      1 broken, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('whose URL is none', async () => {
    expect(await examine({ REDIS_URL: `localhost:${password}` })).toMatchInlineSnapshot(`
      "exit code 2
        ✖ Session store   REDIS_URL is no URL of Redis
                          means: The app cannot find its store.
                          do:    It looks like this: redis://localhost:6379
      1 broken, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('that takes the connection and says nothing', async () => {
    await using server = await listen(() => {})
    const { port } = server
    const REDIS_URL = `redis://:${password}@127.0.0.1:${port}/0`
    expect(await examine({ REDIS_URL }, port)).toMatchInlineSnapshot(`
      "exit code 2
        ✖ Session store   redis://127.0.0.1:<port>/0 cannot be reached: there was no answer in time
                          means: Nobody can sign in, and who is signed in gets 503 until it is back. A
                                 firewall may drop the packets without a word, or the server is very
                                 slow.
                          do:    Look whether Redis runs, and compare REDIS_URL with where it is.
      1 broken, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
    const DATABASE_URL = `postgres://:${password}@127.0.0.1:${port}/app`
    expect(await examine({ DATABASE_URL }, port)).toMatchInlineSnapshot(`
      "exit code 2
        ✖ Session store   postgres://127.0.0.1:<port>/app cannot be reached: there was no answer in time
                          means: Nobody can sign in, and who is signed in gets 503 until it is back. A
                                 firewall may drop the packets without a word, or the server is very
                                 slow.
                          do:    Look whether PostgreSQL runs, and compare DATABASE_URL with where it is.
      1 broken, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test.each(['p%zz', '%c3%28', '100%'])('whose password cannot be read: %s', async (part) => {
    for (const cwd of [import.meta.dirname, folder]) {
      const REDIS_URL = `redis://:${password}${part}@127.0.0.1:6379`
      expect(await examine({ REDIS_URL }, undefined, cwd)).toMatchInlineSnapshot(`
        "exit code 2
          ✖ Session store   REDIS_URL has a % that begins no character
                            means: The app cannot read its user and its password, and does not start.
                            do:    In a URL a % is written %25, and what is special with % and two digits:
                                   "p%zz" is "p%25zz".
        1 broken, 10 well in <time>
          Whether the provider knows the key: countersign doctor --probe"
      `)
    }
  })

  test('that never hangs up, and holds nobody up', async () => {
    let client: Socket | undefined
    await using server = await listen((socket) => {
      client = socket
      // Of PostgreSQL's protocol: come in, and an answer to whatever is asked
      socket.once('data', () => socket.write('R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I'))
      socket.on('data', ([kind]) => {
        if (kind === 0x51) socket.write('C\0\0\0\x0dSELECT 1\0Z\0\0\0\x05I')
      })
      // Notices, which come back as an error once there is nobody to read them
      const notices = setInterval(() => socket.write('N\0\0\0\x05\0'), 50)
      socket.on('close', () => clearInterval(notices))
    })
    const { port } = server
    const DATABASE_URL = `postgres://user@127.0.0.1:${port}/app`
    expect(await examine({ DATABASE_URL }, port)).toMatchInlineSnapshot(`
      "exit code 0
        ✔ Session store   postgres://127.0.0.1:<port>/app answers (SELECT 1)
      All is well: 11 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
    await expect.poll(() => client?.destroyed, { timeout: 20_000 }).toBe(true)
  })

  test('where nobody listens', async () => {
    const port = await findPort()
    const REDIS_URL = `redis://:${password}@127.0.0.1:${port}`
    expect(await examine({ REDIS_URL }, port)).toMatchInlineSnapshot(`
      "exit code 2
        ✖ Session store   redis://127.0.0.1:<port> cannot be reached: the connection was refused
                          means: Nobody can sign in, and who is signed in gets 503 until it is back.
                                 Nobody listens at that address and port.
                          do:    Look whether Redis runs, and compare REDIS_URL with where it is.
      1 broken, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
    const DATABASE_URL = `postgres://user:${password}@127.0.0.1:${port}/app`
    expect(await examine({ DATABASE_URL }, port)).toMatchInlineSnapshot(`
      "exit code 2
        ✖ Session store   postgres://127.0.0.1:<port>/app cannot be reached: the connection was refused
                          means: Nobody can sign in, and who is signed in gets 503 until it is back.
                                 Nobody listens at that address and port.
                          do:    Look whether PostgreSQL runs, and compare DATABASE_URL with where it is.
      1 broken, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('where nobody listens, also where its package is not to be had', async () => {
    const port = await findPort()
    const REDIS_URL = `redis://:${password}@127.0.0.1:${port}`
    expect(await examine({ REDIS_URL }, port, folder)).toMatchInlineSnapshot(`
      "exit code 2
        ✖ Session store   redis://127.0.0.1:<port> cannot be reached: the connection was refused
                          means: Nobody can sign in, and who is signed in gets 503 until it is back.
                                 Nobody listens at that address and port.
                          do:    Look whether Redis runs, and compare REDIS_URL with where it is.
      1 broken, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })
})

describeUnless(redisSkipReason)('the doctor greets a Redis', () => {
  let redis: ServerProcess
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.close())

  test('that answers', async () => {
    expect(await examine({ REDIS_URL: redis.url }, redis.port)).toMatchInlineSnapshot(`
      "exit code 0
        ✔ Session store   redis://127.0.0.1:<port> answers (PING)
      All is well: 11 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('that answers, also where its package is not to be had', async () => {
    expect(await examine({ REDIS_URL: redis.url }, redis.port, folder)).toMatchInlineSnapshot(`
      "exit code 0
        ✔ Session store   redis://127.0.0.1:<port> answers (a connection)
      All is well: 11 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('that refuses the password', async () => {
    const REDIS_URL = withPassword(redis.url)
    expect(await examine({ REDIS_URL }, redis.port)).toMatchInlineSnapshot(`
      "exit code 2
        ✖ Session store   redis://127.0.0.1:<port> refuses the user or the password
                          means: Nobody can sign in, and who is signed in gets 503 until it is back.
                          do:    Compare the user and the password in REDIS_URL; what is special in a URL
                                 is written with %.
      1 broken, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })
})

describeUnless(postgresSkipReason)('the doctor greets a PostgreSQL', () => {
  let postgres: ServerProcess
  beforeAll(async () => {
    postgres = await startPostgres()
  })
  afterAll(() => postgres.close())

  test('that answers', async () => {
    expect(await examine({ DATABASE_URL: postgres.url }, postgres.port)).toMatchInlineSnapshot(`
      "exit code 0
        ✔ Session store   postgres://127.0.0.1:<port>/postgres answers (SELECT 1)
      All is well: 11 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('that has no such user', async () => {
    const DATABASE_URL = withPassword(postgres.url)
    expect(await examine({ DATABASE_URL }, postgres.port)).toMatchInlineSnapshot(`
      "exit code 2
        ✖ Session store   postgres://127.0.0.1:<port>/postgres refuses the user or the password
                          means: Nobody can sign in, and who is signed in gets 503 until it is back.
                          do:    Compare the user and the password in DATABASE_URL; what is special in a
                                 URL is written with %.
      1 broken, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })

  test('that has no such database', async () => {
    const DATABASE_URL = `${postgres.url}-of-another-name`
    expect(await examine({ DATABASE_URL }, postgres.port)).toMatchInlineSnapshot(`
      "exit code 2
        ✖ Session store   postgres://127.0.0.1:<port>/postgres-of-another-name has no such database
                          means: Nobody can sign in, and who is signed in gets 503 until it is back.
                          do:    Create it, or correct the name at the end of DATABASE_URL.
      1 broken, 10 well in <time>
        Whether the provider knows the key: countersign doctor --probe"
    `)
  })
})
