import { describe, expect, test } from 'vitest'
import { createSealer } from '../../src/jose/seal.ts'
import { createTransactions, type Transaction } from '../../src/login/transaction.ts'
import { createJar } from '../support/exchange.ts'
import { secret } from '../support/options.ts'
import { createClock, start } from '../support/session.ts'

const attributes = { secure: true, sameSite: 'lax', path: '/', domain: undefined } as const
const name = '__Host-oidc'

const stateOf = (index: number) => index.toString(16).padStart(32, '0')

function setUp() {
  const clock = createClock()
  const sealer = createSealer([secret], 'login')
  const transactions = createTransactions({ name, attributes, sealer, clock })
  const jar = createJar()
  const build = (index: number, rest: Partial<Transaction> = {}): Transaction => ({
    state: stateOf(index),
    nonce: 'nonce',
    codeVerifier: 'verifier',
    issuer: 'https://op.example',
    returnTo: '/profile',
    startedAt: clock.now(),
    ...rest,
  })
  const begin = (index: number, rest?: Partial<Transaction>) => {
    const exchange = jar.request()
    transactions.begin(exchange, build(index, rest))
    jar.keep(exchange)
    return exchange.set
  }
  const find = (index: number) => transactions.find(jar.request(), stateOf(index))
  const kept = () => [...jar.cookies.keys()].filter((cookie) => cookie.includes('.login-'))
  const size = () =>
    [...jar.cookies].reduce((total, [key, value]) => total + key.length + value.length, 0)
  return { clock, sealer, transactions, jar, build, begin, find, kept, size }
}

describe('a login in flight', () => {
  test('is found by its state, as it was begun', () => {
    const { begin, find, build } = setUp()
    begin(1, { maxAge: 60, stepUp: { acr: ['strong'] } })
    expect(find(1)).toEqual(build(1, { maxAge: 60, stepUp: { acr: ['strong'] } }))
    expect(find(2)).toBeUndefined()
  })

  test('has a cookie of its own for ten minutes', () => {
    const { begin, transactions } = setUp()
    const [line = ''] = begin(1)
    expect(transactions.cookieName(stateOf(1))).toBe(`${name}.login-${stateOf(1)}`)
    expect(line.startsWith(`${name}.login-${stateOf(1)}=`)).toBe(true)
    expect(line).toMatch(/; Max-Age=600; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
  })

  test('whose response comes as a POST has a cookie that other sites send along', () => {
    const { begin } = setUp()
    expect(begin(1, { isFormPost: true })[0]).toMatch(/; Secure; SameSite=None$/)
  })

  test('under the name of another one is not found', () => {
    const { begin, find, jar, transactions } = setUp()
    begin(1)
    const value = jar.cookies.get(transactions.cookieName(stateOf(1))) ?? ''
    jar.put(transactions.cookieName(stateOf(2)), value)
    expect(find(2)).toBeUndefined()
    expect(find(1)).toBeDefined()
  })

  test('that was changed, or sealed for another purpose, is not found', () => {
    const { build, find, jar, transactions } = setUp()
    const cookie = transactions.cookieName(stateOf(1))
    for (const value of ['', 'x', createSealer([secret], 'session').seal(build(1))]) {
      jar.put(cookie, value)
      expect(find(1)).toBeUndefined()
    }
  })

  test('is over after ten minutes, whatever the browser kept', () => {
    const { begin, clock, find } = setUp()
    begin(1)
    clock.move(599)
    expect(find(1)).toBeDefined()
    clock.move(1)
    expect(find(1)).toBeUndefined()
  })

  test('that is done leaves a trace with nothing to redeem a code with', () => {
    const { begin, build, find, jar, transactions } = setUp()
    begin(1)
    const exchange = jar.request()
    transactions.finish(exchange, build(1), 500)
    expect(exchange.set[0]).toContain('; Max-Age=120;')
    jar.keep(exchange)
    const trace = { finished: true, state: stateOf(1), returnTo: '/profile', startedAt: start }
    expect(find(1)).toEqual(trace)
  })

  test('that failed is dropped, and no other', () => {
    const { begin, find, jar, transactions } = setUp()
    begin(1)
    begin(2)
    const exchange = jar.request()
    transactions.drop(exchange, stateOf(1))
    jar.keep(exchange)
    expect([find(1), find(2)?.state]).toEqual([undefined, stateOf(2)])
  })
})

describe('many logins in flight', () => {
  test('are six at most: the oldest goes', () => {
    const { begin, clock, find, kept } = setUp()
    for (let index = 1; index <= 8; index++) {
      begin(index)
      clock.move(1)
      expect(kept().length).toBe(Math.min(index, 6))
    }
    const found = [1, 2, 3, 4, 5, 6, 7, 8].filter((index) => find(index) !== undefined)
    expect(found).toEqual([3, 4, 5, 6, 7, 8])
  })

  test('are held under 8 kB, where returning takes long paths', () => {
    const { begin, clock, find, kept, size } = setUp()
    for (let index = 1; index <= 6; index++) {
      begin(index, { returnTo: `/${'x'.repeat(1000)}` })
      clock.move(1)
      expect(size()).toBeLessThanOrEqual(8192)
    }
    expect(kept().length).toBeLessThan(6)
    expect(find(6)).toBeDefined()
    expect(find(1)).toBeUndefined()
  })

  test('make room for a session, which is never dropped', () => {
    const { begin, clock, jar, kept, size } = setUp()
    jar.put(`${name}.0`, 'x'.repeat(3900))
    jar.put(`${name}.1`, 'x'.repeat(2000))
    for (let index = 1; index <= 6; index++) {
      begin(index)
      clock.move(1)
      expect(size()).toBeLessThanOrEqual(8192)
    }
    expect(kept().length).toBeGreaterThanOrEqual(1)
    expect(jar.cookies.has(`${name}.1`)).toBe(true)
  })

  test('are rid of those that are over or cannot be read', () => {
    const { begin, clock, jar, kept } = setUp()
    begin(1)
    jar.put(`${name}.login-${stateOf(9)}`, 'unreadable')
    clock.move(600)
    begin(2)
    expect(kept()).toEqual([`${name}.login-${stateOf(2)}`])
  })
})
