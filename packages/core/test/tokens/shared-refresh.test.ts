import { beforeEach, expect, test, vi } from 'vitest'
import { ProviderError, SessionError } from '../../src/errors.ts'
import type { KeptTokens, Session } from '../../src/session/session.ts'
import type { SharedSession } from '../../src/session/store.ts'
import { readRefusal } from '../../src/tokens/refusal.ts'
import { createSharedRefresh } from '../../src/tokens/shared-refresh.ts'
import { buildSession, createClock } from '../support/session.ts'

const clock = createClock()
const tokensOf = (name: string, life = 3600): KeptTokens => ({
  accessToken: `access ${name}`,
  refreshToken: `refresh ${name}`,
  expiresAt: clock.now() + life,
})
const session = buildSession({ tokens: tokensOf('1', 10) })

/** What the store has. */
let stored: Session | undefined
let others: (() => void)[]
let fresh = 1

beforeEach(() => {
  stored = session
  others = []
  fresh = 1
})

const shared: SharedSession = {
  reload: async () => {
    others.shift()?.()
    return stored
  },
  adopt: () => {},
  end: async () => {},
  alone: (act) => act(),
}

async function write(tokens: KeptTokens): Promise<void> {
  if (!stored) throw new SessionError('ERR_SESSION_ENDED', 'gone')
  stored = { ...stored, tokens }
}

function create(request = async () => tokensOf(`${++fresh}`)) {
  const ask = vi.fn<(session: Session, refreshToken: string) => Promise<KeptTokens>>(request)
  const refresh = createSharedRefresh({ request: ask, clock })
  return { ask, refresh: (of = session) => refresh(of, { key: 'same', shared, write }) }
}

function refuse(): Promise<KeptTokens> {
  const details = { endpoint: 'https://op.example/token', error: 'invalid_grant' }
  return Promise.reject(
    readRefusal(new ProviderError('ERR_TOKEN_RESPONSE', 'the provider said no', details)),
  )
}

test('new tokens are in the store when they are given', async () => {
  const { refresh, ask } = create()
  expect(await refresh()).toEqual(tokensOf('2'))
  expect(stored?.tokens).toEqual(tokensOf('2'))
  expect(ask.mock.calls).toEqual([[session, 'refresh 1']])
})

test('requests at the same moment are one, and the next one is another', async () => {
  const { refresh, ask } = create()
  expect(await Promise.all([refresh(), refresh()])).toEqual([tokensOf('2'), tokensOf('2')])
  expect(await refresh({ ...session, tokens: tokensOf('2') })).toEqual(tokensOf('3'))
  expect(ask).toHaveBeenCalledTimes(2)
})

test('what another process has left is taken', async () => {
  const { refresh, ask } = create()
  stored = { ...session, tokens: tokensOf('other') }
  expect(await refresh()).toEqual(tokensOf('other'))
  expect(ask).not.toHaveBeenCalled()
})

test('what another process has left, and has expired since, is refreshed with its own refresh token', async () => {
  const { refresh, ask } = create()
  stored = { ...session, tokens: tokensOf('other', 0) }
  expect(await refresh()).toEqual(tokensOf('2'))
  expect(ask.mock.calls).toEqual([[stored && expect.anything(), 'refresh other']])
})

test('a session that has ended is not refreshed', async () => {
  const { refresh, ask } = create()
  stored = undefined
  await expect(refresh()).rejects.toMatchObject({ code: 'ERR_SESSION_ENDED' })
  expect(ask).not.toHaveBeenCalled()
})

test('a refusal that another process has met is not asked for again', async () => {
  const { refresh, ask } = create()
  stored = { ...session, tokens: { isRefused: true } }
  await expect(refresh()).rejects.toMatchObject({ code: 'ERR_SIGN_IN_AGAIN' })
  expect(ask).not.toHaveBeenCalled()
})

test('after a refusal it is looked, more than once, whether another process was faster', async () => {
  const { refresh } = create(refuse)
  others = [
    () => {},
    () => {},
    () => {
      stored = { ...session, tokens: tokensOf('other') }
    },
  ]
  expect(await refresh()).toEqual(tokensOf('other'))
})

test('a refusal stands where nobody was', async () => {
  const { refresh } = create(refuse)
  await expect(refresh()).rejects.toMatchObject({
    code: 'ERR_SESSION_ENDED',
    message: 'the refresh token was refused: the provider said no',
    cause: { code: 'ERR_TOKEN_RESPONSE' },
  })
  expect(stored).toBe(session)
})

test('a store that cannot be read after a refusal ends nothing', async () => {
  const { refresh } = create(refuse)
  others = [
    () => {},
    () => {
      throw new SessionError('ERR_SESSION_STORE', 'down')
    },
  ]
  await expect(refresh()).rejects.toMatchObject({ code: 'ERR_SESSION_STORE' })
})

test('a session that ends while it is refreshed stays ended', async () => {
  const { refresh } = create(async () => {
    stored = undefined
    return tokensOf('2')
  })
  await expect(refresh()).rejects.toMatchObject({ code: 'ERR_SESSION_ENDED' })
  expect(stored).toBeUndefined()
})
