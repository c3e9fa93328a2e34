/**
 * Which client a Logout Token is for, and what is done in which order.
 *
 * @network loopback
 */

import { expect, test } from 'vitest'
import { SessionError } from '../../src/errors.ts'
import type { OidcEvent } from '../../src/events.ts'
import { answerBackChannelLogout, type LogoutTokenClient } from '../../src/logout/back-channel.ts'
import { createEndedSessions } from '../../src/session/ended-sessions.ts'
import type { Records } from '../../src/session/records.ts'
import { generateRsa } from '../keys/support/keys.ts'
import { createExchange } from '../support/exchange.ts'
import { buildClaims, now, publish, sign, startProvider } from './support/provider.ts'

const key = generateRsa()
const clock = { now: () => now }
const jwe = 'a.b.c.d.e'

/** Records that tell what is done with them, and fail at the one that is named. */
function createTestRecords() {
  const records = new Map<string, { readonly value: object; readonly expiresAt: number }>()
  const done: string[] = []
  let failing: string | undefined
  const act = (what: string) => {
    done.push(what)
    if (what === failing) throw new SessionError('ERR_SESSION_STORE', 'the store is down')
  }
  const kindOf = (name: string) => name.split(':').slice(0, -1).join(':')
  const store: Records = {
    canTouch: true,
    async get(name) {
      act(`get ${kindOf(name)}`)
      return records.get(name)?.value
    },
    async put(name, value, expiresAt) {
      act(`put ${kindOf(name)}`)
      records.set(name, { value, expiresAt })
    },
    touch: async () => {},
    drop: async () => {},
  }
  const fail = (what: string | undefined) => {
    failing = what
  }
  return { store, records, done, fail }
}

async function setUp(count = 1) {
  const op = await startProvider({ keys: [publish(key, { kid: 'one' })] })
  const { store, ...test } = createTestRecords()
  const events: OidcEvent[] = []
  const refusals: string[] = []
  const clients: LogoutTokenClient[] = Array.from({ length: count }, (_, index) => ({
    id: count === 1 ? '' : `client-${index}`,
    logoutToken: { ...op.settings, clientId: count === 1 ? 'app' : `app-${index}` },
  }))
  const endedSessions = createEndedSessions({ records: store, lifetime: 1000, clock })
  const post = async (
    token: string,
    over: object = {},
    form = new URLSearchParams({ logout_token: token }),
  ) => {
    const settings = {
      clients: async () => clients,
      tell: ({ message }: Error) => void refusals.push(message),
      serverSessions: undefined,
      endedSessions,
      records: store,
      emit: (event: OidcEvent) => void events.push(event),
      ...over,
    }
    const exchange = { ...createExchange({ method: 'POST' }), form: async () => form }
    return await answerBackChannelLogout(settings, exchange)
  }
  const signed = (others: object = {}) =>
    sign(key, { alg: 'RS256', kid: 'one' }, buildClaims(op.issuer, others))
  return { ...test, op, clients, events, refusals, post, signed }
}

test('the end comes first, and then the memory of the token, which lasts as long as it', async () => {
  const { records, done, post, signed } = await setUp()
  expect((await post(await signed())).status).toBe(200)
  expect(done).toEqual(['get jti', 'put ended:sid', 'put jti'])
  const [name] = [...records.keys()].filter((name) => name.startsWith('jti:'))
  // The token's "exp", and the tolerance for clocks
  expect(records.get(name ?? '')?.expiresAt).toBe(now + 120 + 30)
})

test.each(['get jti', 'put ended:sid', 'put jti'])(
  'where the store fails at "%s", the token may be sent again',
  async (step) => {
    const { fail, post, signed } = await setUp()
    const token = await signed()
    fail(step)
    const { status, headers } = await post(token)
    expect([status, headers['retry-after'], headers['cache-control']]).toEqual([
      503,
      '10',
      'no-store',
    ])
    fail(undefined)
    expect((await post(token)).status).toBe(200)
    expect((await post(token)).status).toBe(400)
  },
)

test('a token that is not acceptable costs the store nothing', async () => {
  const { done, refusals, post, signed } = await setUp()
  expect((await post(await signed({ nonce: 'n' }))).status).toBe(400)
  expect(done).toEqual([])
  expect(refusals).toEqual(['the Logout Token has a "nonce", as an ID Token does'])
})

test('of several clients, the one is chosen that the token is for', async () => {
  const { events, post, signed } = await setUp(3)
  expect((await post(await signed({ aud: ['app-1'] }))).status).toBe(200)
  expect(events).toEqual([
    {
      type: 'session.ended',
      by: 'back-channel',
      provider: 'client-1',
      sub: 'alice',
      sid: 'at-the-provider',
      sessions: undefined,
    },
  ])
})

test.each<[string, object]>([
  ['of no client', { aud: 'app-9' }],
  ['of a client at another provider', { aud: 'app-1', iss: 'https://other.example' }],
  ['of nobody', { aud: undefined }],
])(
  'of several clients, none is chosen for a token %s, and no key is fetched',
  async (_, others) => {
    const { op, refusals, post, signed } = await setUp(2)
    expect((await post(await signed(others))).status).toBe(400)
    expect(refusals[0]).toMatch('for no client of this app')
    expect(op.requests).toEqual([])
  },
)

test('a token that is encrypted says nothing of its client: of several it has to be one', async () => {
  const { clients, refusals, post } = await setUp(3)
  expect((await post(jwe)).status).toBe(400)
  expect(refusals.at(-1)).toMatch('for no client of this app')
  const asked: string[] = []
  const encrypted = (index: number) => ({
    ...clients[index],
    logoutToken: {
      ...clients[index]?.logoutToken,
      decryptionRing: {
        usable: async () => {
          asked.push(String(index))
          return []
        },
      },
    },
  })
  const [first] = clients
  const one = [first, encrypted(1)]
  expect((await post(jwe, { clients: async () => one })).status).toBe(400)
  expect(refusals.at(-1)).toMatch('cannot be decrypted')
  expect(asked).toEqual(['1'])
  const two = [encrypted(0), encrypted(1)]
  expect((await post(jwe, { clients: async () => two })).status).toBe(400)
  expect(refusals.at(-1)).toMatch('ends in the id of the provider')
  expect(asked).toEqual(['1'])
})

test.each<[string, [string, string][]]>([
  ['none', []],
  ['an empty one', [['logout_token', '']]],
  ['two', Array.from({ length: 2 }, (): [string, string] => ['logout_token', jwe])],
])('a form with %s costs no lookup of a client', async (_, fields) => {
  const { refusals, post } = await setUp()
  let lookups = 0
  const clients = async () => {
    lookups++
    return []
  }
  const form = new URLSearchParams(fields)
  expect((await post('', { clients }, form)).status).toBe(400)
  expect(refusals).toEqual(['the form must have one "logout_token"'])
  expect(lookups).toBe(0)
})

test('what is no error of ours is not answered', async () => {
  const { post, signed } = await setUp()
  const clients = async () => {
    throw new RangeError("the app's own")
  }
  await expect(post(await signed(), { clients })).rejects.toThrow(RangeError)
})
