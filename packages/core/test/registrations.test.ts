import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { ProviderConfig } from '../src/provider-config.ts'
import type { LookedUp } from '../src/providers-config.ts'
import type { Registration } from '../src/registration.ts'
import { createRegistrations, type Registrations } from '../src/registrations.ts'
import { everyTenant, type Tenant } from '../src/tenant.ts'
import { createExchange } from './support/exchange.ts'
import { buildSession, createClock } from './support/session.ts'

let clock = createClock()
let looked: string[] = []
let closed: string[] = []
let made = 0
/** What the app says of each, and since which version. */
let versions = new Map<string, string>()
let answer: (id: string) => Promise<LookedUp | undefined> = answerHonestly

async function answerHonestly(id: string): Promise<LookedUp | undefined> {
  const version = versions.get(id) ?? (id.startsWith('t') ? '1' : undefined)
  if (version === undefined) return undefined
  return { version, read: () => ({ id, issuer: `https://${id}.example` }) as ProviderConfig }
}

function create(config: ProviderConfig): Registration {
  made++
  const { id, issuer } = config
  const registration: Partial<Registration> = {
    id,
    issuer,
    close: async () => void closed.push(id),
  }
  return registration as Registration
}

function ofTenant(provider: string, iss = `https://${provider}.example`) {
  const { claims } = buildSession()
  return buildSession({ provider, claims: { ...claims, iss } })
}

function createLookedUp(): Registrations {
  const lookup = async (id: string) => {
    looked.push(id)
    return await answer(id)
  }
  const config = { providers: [], hasSeveral: true, lookup, resolve: undefined }
  return createRegistrations(config, create, clock)
}

beforeEach(() => {
  clock = createClock()
  looked = []
  closed = []
  made = 0
  versions = new Map()
  answer = answerHonestly
})

describe('registrations that are looked up', () => {
  test('are looked up once in five minutes, also by many at once', async () => {
    const registrations = createLookedUp()
    const [one, ...others] = await Promise.all(
      Array.from({ length: 20 }, () => registrations.find('t1')),
    )
    expect(others.every((other) => other === one)).toBe(true)
    clock.move(299)
    await registrations.find('t1')
    expect(looked).toEqual(['t1'])
    clock.move(1)
    expect(await registrations.find('t1')).toBe(one)
    expect(looked).toEqual(['t1', 't1'])
    expect([made, closed]).toEqual([1, []])
  })

  test('are made anew when something else is said of them', async () => {
    vi.useFakeTimers()
    try {
      const registrations = createLookedUp()
      const before = await registrations.find('t1')
      versions.set('t1', '2')
      clock.move(300)
      expect(await registrations.find('t1')).not.toBe(before)
      // A login may be under way with the old one
      vi.advanceTimersByTime(59_999)
      expect(closed).toEqual([])
      // Whether anybody asks again or not
      vi.advanceTimersByTime(1)
      expect(closed).toEqual(['t1'])
      await registrations.close()
      expect([closed, vi.getTimerCount()]).toEqual([['t1', 't1'], 0])
    } finally {
      vi.useRealTimers()
    }
  })

  test('that are not kept any more are closed, and keep no process alive', async () => {
    const registrations = createLookedUp()
    const count = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    await registrations.find('t1')
    const before = count()
    versions.delete('t1')
    answer = async () => undefined
    clock.move(300)
    expect(await registrations.find('t1')).toBeUndefined()
    expect(count()).toBe(before)
    await registrations.close()
    expect(closed).toEqual(['t1'])
  })

  test('are at most a thousand, and those that were not asked for the longest time go', async () => {
    const registrations = createLookedUp()
    for (let index = 0; index < 1050; index++) {
      await registrations.find(`t${index}`)
      await registrations.find('t0')
    }
    expect(looked).toHaveLength(1050)
    looked = []
    for (const id of ['t0', 't1049', 't51']) await registrations.find(id)
    expect(looked).toEqual([])
    await registrations.find('t50')
    expect(looked).toEqual(['t50'])
    await registrations.close()
    expect(closed).toHaveLength(1051)
  })

  test('that are not kept any more are at most a thousand, too', async () => {
    const registrations = createLookedUp()
    for (let index = 0; index < 2010; index++) await registrations.find(`t${index}`)
    expect(closed).toEqual(Array.from({ length: 10 }, (_, index) => `t${index}`))
    await registrations.close()
    expect(closed).toHaveLength(2010)
  })

  test('are not pushed out by ids that nobody has', async () => {
    const registrations = createLookedUp()
    await registrations.find('t1')
    await Promise.all(Array.from({ length: 3000 }, (_, index) => registrations.find(`x${index}`)))
    looked = []
    await registrations.find('t1')
    expect(looked).toEqual([])
    // No more of those are remembered than there is room for
    for (const id of ['x2999', 'x2000', 'x1999']) {
      expect(await registrations.find(id)).toBeUndefined()
    }
    expect(looked).toEqual(['x1999'])
  })

  test('that nobody has are looked up once in half a minute, however often they are asked for', async () => {
    const registrations = createLookedUp()
    for (let index = 0; index < 300; index++) {
      expect(await registrations.find('acme')).toBeUndefined()
    }
    expect(looked).toEqual(['acme'])
    versions.set('acme', '1')
    clock.move(30)
    expect(await registrations.find('acme')).toMatchObject({ id: 'acme' })
    expect(looked).toEqual(['acme', 'acme'])
  })

  test.each(['../t1', '*', '', 'constructor', '__proto__', 'toString'])(
    'are not looked up by what can be no id: %j',
    async (id) => {
      expect(await createLookedUp().find(id)).toBeUndefined()
      expect(looked).toEqual([])
    },
  )

  test('are gone when the app does not have them any more', async () => {
    const registrations = createLookedUp()
    versions.set('acme', '1')
    await registrations.find('acme')
    versions.delete('acme')
    clock.move(300)
    expect(await registrations.find('acme')).toBeUndefined()
    await registrations.close()
    expect(closed).toEqual(['acme'])
  })

  test('fail clearly when they cannot be looked up, and are asked for again', async () => {
    const registrations = createLookedUp()
    answer = () => Promise.reject(new Error('the database is away'))
    await expect(registrations.find('t1')).rejects.toMatchObject({
      code: 'ERR_PROVIDER_UNAVAILABLE',
      status: 503,
      message: 'the provider "t1" could not be looked up',
      cause: new Error('the database is away'),
    })
    answer = answerHonestly
    expect(await registrations.find('t1')).toMatchObject({ id: 't1' })
  })

  test('that are known stay while they cannot be looked up, and are asked for twice a minute', async () => {
    const registrations = createLookedUp()
    const known = await registrations.find('t1')
    clock.move(300)
    answer = () => Promise.reject(new Error('the database is away'))
    const findAgain = async () => {
      looked = []
      for (let count = 0; count < 4; count++) expect(await registrations.find('t1')).toBe(known)
      return looked
    }
    expect(await findAgain()).toEqual(['t1'])
    clock.move(29)
    expect(await findAgain()).toEqual([])
    clock.move(1)
    expect(await findAgain()).toEqual(['t1'])
    await expect(registrations.find('t2')).rejects.toMatchObject({ status: 503 })
    answer = async () => undefined
    clock.move(30)
    expect(await registrations.find('t1')).toBeUndefined()
    await registrations.close()
    expect(closed).toEqual(['t1'])
  })

  test('are not waited for longer than five seconds', async () => {
    vi.useFakeTimers()
    try {
      const registrations = createLookedUp()
      answer = () => new Promise(() => {})
      const late = expect(registrations.find('t1')).rejects.toMatchObject({ status: 503 })
      await vi.advanceTimersByTimeAsync(5000)
      await late
      answer = answerHonestly
      expect(await registrations.find('t1')).toMatchObject({ id: 't1' })
    } finally {
      vi.useRealTimers()
    }
  })

  test('may throw at once, and may have faults', async () => {
    const registrations = createLookedUp()
    answer = () => {
      throw new Error('at once')
    }
    await expect(registrations.find('t1')).rejects.toThrow('could not be looked up')
    answer = async () => ({
      version: '1',
      read: () => {
        throw new Error('a fault')
      },
    })
    await expect(registrations.find('t1')).rejects.toThrow('a fault')
    answer = answerHonestly
    expect(await registrations.find('t1')).toMatchObject({ id: 't1' })
  })
})

describe('a session', () => {
  test('of a provider that is gone, or is another one now, is nobody’s', async () => {
    const registrations = createLookedUp()
    const exchange = createExchange()
    expect(await registrations.admits(ofTenant('t1'), exchange)).toBe(true)
    expect(await registrations.admits(ofTenant('gone'), exchange)).toBe(false)
    expect(await registrations.admits(ofTenant('t1', 'https://t2.example'), exchange)).toBe(false)
    expect(registrations.accepts(buildSession())).toBe(false)
  })

  test('of a provider that cannot be looked up is not known', async () => {
    const registrations = createLookedUp()
    answer = () => Promise.reject(new Error('the database is away'))
    await expect(registrations.admits(ofTenant('t1'), createExchange())).rejects.toMatchObject({
      code: 'ERR_SESSION_STORE',
      message: 'whether there is still a provider "t1" cannot be told',
    })
  })

  test('of one that is configured no longer is not accepted', () => {
    const providers = [{ id: 't1', issuer: 'https://t1.example' } as ProviderConfig]
    const config = { providers, hasSeveral: true, lookup: undefined, resolve: undefined }
    const { accepts } = createRegistrations(config, create, clock)
    expect(accepts(ofTenant('t1'))).toBe(true)
    expect(accepts(ofTenant('t2'))).toBe(false)
    expect(accepts(ofTenant('t1', 'https://t2.example'))).toBe(false)
    expect(accepts(buildSession())).toBe(false)
  })
})

describe('the provider of a request', () => {
  function createResolved(resolve: () => Promise<Tenant>): Registrations {
    const providers = ['t1', 't2'].map(
      (id) => ({ id, issuer: `https://${id}.example` }) as ProviderConfig,
    )
    return createRegistrations(
      { providers, hasSeveral: true, lookup: undefined, resolve },
      create,
      clock,
    )
  }

  test('is asked for once for each request', async () => {
    let asked = 0
    const registrations = createResolved(async () => {
      asked++
      return 't1'
    })
    const exchange = createExchange()
    expect((await registrations.choose(exchange, undefined))?.id).toBe('t1')
    expect((await registrations.choose(exchange, 't1'))?.id).toBe('t1')
    expect(asked).toBe(1)
    await registrations.choose(createExchange(), undefined)
    expect(asked).toBe(2)
  })

  test('is the only one that may be named', async () => {
    const registrations = createResolved(async () => 't1')
    await expect(registrations.choose(createExchange(), 't2')).rejects.toMatchObject({
      code: 'ERR_LOGIN_REQUEST',
      message: 'the request belongs to another provider than "t2"',
    })
  })

  // A client writes paths and headers: nothing in them may mean everybody
  test.each(['', 'x', '../t1', '*', 'everyTenant', everyTenant.description, String(everyTenant)])(
    'may be nobody: %j',
    async (id) => {
      const registrations = createResolved(async () => id)
      expect(await registrations.admits(ofTenant('t1'), createExchange())).toBe(false)
      await expect(registrations.choose(createExchange(), 't1')).rejects.toMatchObject({
        code: 'ERR_LOGIN_REQUEST',
      })
      await expect(registrations.choose(createExchange(), undefined)).rejects.toMatchObject({
        code: 'ERR_LOGIN_REQUEST',
      })
    },
  )

  test('may be any', async () => {
    const registrations = createResolved(async () => everyTenant)
    expect(await registrations.choose(createExchange(), undefined)).toBeUndefined()
    expect((await registrations.choose(createExchange(), 't2'))?.id).toBe('t2')
    expect(await registrations.admits(ofTenant('t1'), createExchange())).toBe(true)
    expect(await registrations.tenantOf(createExchange())).toBeUndefined()
  })

  test('may be none, and then there is nobody to sign in at, and nobody who is signed in', async () => {
    const registrations = createResolved(async () => undefined)
    for (const named of [undefined, 't1']) {
      await expect(registrations.choose(createExchange(), named)).rejects.toMatchObject({
        code: 'ERR_LOGIN_REQUEST',
        message: 'the request names no provider',
      })
    }
    expect(await registrations.admits(ofTenant('t1'), createExchange())).toBe(false)
  })

  test('is not known when the app does not know', async () => {
    const registrations = createResolved(() => Promise.reject(new Error('mine')))
    await expect(registrations.choose(createExchange(), undefined)).rejects.toThrow('mine')
  })
})
