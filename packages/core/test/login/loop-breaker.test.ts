import { describe, expect, test } from 'vitest'
import { createLoopBreaker } from '../../src/login/loop-breaker.ts'
import type { SessionStore } from '../../src/session/store.ts'
import { catchFault } from '../keys/support/keys.ts'
import { createJar } from '../support/exchange.ts'
import { createClock } from '../support/session.ts'

type Found = ReturnType<SessionStore['inspect']>

function setUp(found: Found, { secure = true, logins = 0 } = {}) {
  const clock = createClock()
  const jar = createJar()
  const attributes = { secure, sameSite: 'lax', path: '/', domain: undefined } as const
  const breaker = createLoopBreaker({ name: 'oidc', attributes, inspect: () => found, clock })
  const visit = (act: 'check' | 'count' | 'clear') => {
    const exchange = jar.request()
    try {
      breaker[act](exchange, false)
    } finally {
      jar.keep(exchange)
    }
    return exchange.set
  }
  for (let login = 0; login < logins; login++) visit('count')
  return { clock, jar, visit }
}

const seen = '3 logins within a minute left no readable session:'

describe('three logins within a minute', () => {
  test('that left no cookie stop with the reasons there may be', () => {
    const { visit } = setUp('none', { logins: 3 })
    const { code, message } = catchFault(() => visit('check'))
    expect(code).toBe('ERR_LOGIN_LOOP')
    expect(message).toBe(
      `${seen} the browser does not send the cookie "oidc". It was dropped because it is too ` +
        'large, because cookies are blocked, or "baseUrl" is https but the site was opened over http',
    )
  })

  test('on plain http are not explained by https', () => {
    const { visit } = setUp('none', { logins: 3, secure: false })
    const { code, message } = catchFault(() => visit('check'))
    expect(code).toBe('ERR_LOGIN_LOOP')
    expect(message).toMatch(/because it is too large, because cookies are blocked$/)
  })

  test('that left an unreadable cookie stop with the question about the secret', () => {
    const { visit } = setUp('unreadable', { logins: 3 })
    const { code, message } = catchFault(() => visit('check'))
    expect(code).toBe('ERR_LOGIN_LOOP')
    expect(message).toBe(
      `${seen} the cookie "oidc" cannot be opened. ` +
        'Is "session.secret" the same in every process, and the same after a restart?',
    )
  })

  test('of a browser that keeps its session are nobody’s trouble', () => {
    const { visit } = setUp('readable', { logins: 5 })
    expect(visit('check')).toEqual([])
  })

  test('stop the browser once: the next attempt begins anew', () => {
    const { visit } = setUp('none', { logins: 3 })
    expect(() => visit('check')).toThrow(seen)
    expect(visit('check')).toEqual([])
  })
})

test('two logins do not stop, and neither do three that take longer than a minute', () => {
  const { clock, visit } = setUp('none', { logins: 2 })
  expect(visit('check')).toEqual([])
  clock.move(60)
  visit('count')
  expect(visit('check')).toEqual([])
})

test('the count is kept for a minute from the first login', () => {
  const { clock, jar, visit } = setUp('none', { logins: 3 })
  clock.move(59)
  expect(() => visit('check')).toThrow(seen)
  jar.put('oidc.logins', `3.${clock.now() - 60}`)
  expect(visit('check')).toEqual([])
})

test('a session that is ended forgets the count', () => {
  const { jar, visit } = setUp('readable', { logins: 3 })
  visit('clear')
  expect(jar.cookies.size).toBe(0)
  expect(visit('clear')).toEqual([])
})

test.each(['', 'x', '3', '-1.5', '9.99999999999', '3.1e9', 'NaN.NaN'])(
  'a forged count (%j) stops nobody',
  (value) => {
    const { jar, visit } = setUp('none')
    jar.put('oidc.logins', value)
    expect(visit('check')).toEqual([])
  },
)
