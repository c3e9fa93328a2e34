import { describe, expect, test } from 'vitest'
import {
  buildCookieName,
  type CookieAttributes,
  clearChunks,
  clearCookie,
  isChunkOf,
  readChunks,
  readCookies,
  setChunks,
  setCookie,
} from '../../src/http/cookies.ts'
import { catchFault } from '../keys/support/keys.ts'
import { createExchange, createJar, readSetCookie } from '../support/exchange.ts'

const attributes: CookieAttributes = {
  secure: true,
  sameSite: 'lax',
  path: '/',
  domain: undefined,
}
const name = '__Host-oidc'

const namesOf = (set: readonly string[]) => set.map((line) => readSetCookie(line).name)

describe('a cookie', () => {
  test('is HttpOnly, Secure and SameSite, and ends', () => {
    const exchange = createExchange()
    setCookie(exchange, attributes, { name, value: 'a.b-c_d', maxAge: 60 })
    expect(exchange.set).toEqual([
      '__Host-oidc=a.b-c_d; Max-Age=60; Path=/; HttpOnly; Secure; SameSite=Lax',
    ])
  })

  test('has no Secure on plain http, and the domain and path that are configured', () => {
    const exchange = createExchange()
    const shared = { ...attributes, secure: false, path: '/app', domain: 'app.example' }
    setCookie(exchange, shared, { name: 'oidc', value: 'x', maxAge: 60 })
    expect(exchange.set).toEqual([
      'oidc=x; Max-Age=60; Domain=app.example; Path=/app; HttpOnly; SameSite=Lax',
    ])
  })

  test('is cleared under the attributes it was set with', () => {
    const exchange = createExchange()
    clearCookie(exchange, attributes, name)
    expect(exchange.set).toEqual([
      '__Host-oidc=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax',
    ])
  })

  test.each<[Partial<CookieAttributes>, string]>([
    [{}, '__Host-oidc'],
    [{ domain: 'app.example' }, '__Secure-oidc'],
    [{ path: '/app' }, '__Secure-oidc'],
    [{ secure: false }, 'oidc'],
  ])('with %j is named %s', (differing, expected) => {
    expect(buildCookieName('oidc', { ...attributes, ...differing })).toBe(expected)
  })
})

describe('the cookies of a request', () => {
  const read = (cookie: string) => readCookies(createExchange({ headers: { cookie } }), 'oidc')

  test('are taken apart, undecoded', () => {
    expect({ ...read('a=1; oidc=%20x; b=2') }).toEqual({ a: '1', oidc: '%20x', b: '2' })
  })

  test('are none where there is no header, or none of ours can be in it', () => {
    expect(readCookies(createExchange(), 'oidc')).toEqual({})
    expect(read('session=1; theme=dark')).toEqual({})
  })

  test.each(['oidc', 'oidc; =; ;;', '__proto__=x; oidc=y', `${'a=b; '.repeat(1000)}oidc=y`])(
    'are read without an error, whatever they are (%#)',
    (cookie) => {
      expect(() => read(cookie)).not.toThrow()
      expect(Object.getPrototypeOf({})).toBe(Object.prototype)
    },
  )
})

describe('a value', () => {
  const set = (exchange: ReturnType<typeof createExchange>, value: string) =>
    setChunks(exchange, attributes, { name, value, maxAge: 604_800, written: new Set() })
  const readAll = (exchange: ReturnType<typeof createExchange>) =>
    readChunks(readCookies(exchange, name), name)

  test.each([1, 3000, 3900, 4000, 4096, 5000, 6144])(
    'of %i characters comes back as it was set, in cookies that a browser takes',
    (length) => {
      const jar = createJar()
      const value = Array.from({ length }, (_, index) => index % 10).join('')
      const exchange = jar.request()
      set(exchange, value)
      for (const line of exchange.set) expect(line.length).toBeLessThanOrEqual(4096)
      jar.keep(exchange)
      expect(readAll(jar.request())).toBe(value)
    },
  )

  test('that got shorter leaves no chunks behind', () => {
    const jar = createJar()
    const long = jar.request()
    set(long, 'x'.repeat(6000))
    expect(namesOf(long.set)).toEqual([`${name}.0`, `${name}.1`])
    jar.keep(long)
    const short = jar.request()
    set(short, 'y')
    expect(namesOf(short.set)).toEqual([name, `${name}.0`, `${name}.1`])
    jar.keep(short)
    expect([...jar.cookies]).toEqual([[name, 'y']])
  })

  test('that got longer leaves no whole cookie behind, which would be read first', () => {
    const jar = createJar()
    const short = jar.request()
    set(short, 'y')
    jar.keep(short)
    const long = jar.request()
    set(long, 'x'.repeat(6000))
    jar.keep(long)
    expect([...jar.cookies.keys()]).toEqual([`${name}.0`, `${name}.1`])
    expect(readAll(jar.request())).toBe('x'.repeat(6000))
  })

  test('beyond the budget is refused with what to do, and nothing is set', () => {
    const exchange = createExchange()
    const { code, message } = catchFault(() => set(exchange, 'x'.repeat(6145)))
    expect(code).toBe('ERR_COOKIE_TOO_LARGE')
    expect(message).toBe(
      'the session would take 6145 bytes of cookies, and 6144 is the limit: ask for fewer scopes ' +
        'or claims, or keep fewer tokens ("session.keep")',
    )
    expect(exchange.set).toEqual([])
  })

  test('is cleared with all of its chunks, and nothing else is', () => {
    const jar = createJar()
    for (const own of ['.0', '.1', '.7', '']) jar.put(name + own, 'x')
    for (const other of ['.logins', '.login-00', 'x.0', '.0x']) jar.put(name + other, 'x')
    const exchange = jar.request()
    clearChunks(exchange, attributes, { name, written: new Set() })
    expect(namesOf(exchange.set).sort()).toEqual([name, `${name}.0`, `${name}.1`, `${name}.7`])
  })

  test('of which the first chunk is missing is no value', () => {
    expect(readChunks({ 'a.1': 'x' }, 'a')).toBeUndefined()
    expect(readChunks({ 'a.0': 'x', 'a.2': 'z' }, 'a')).toBe('x')
  })

  test.each([
    ['a', true],
    ['a.0', true],
    ['a.12', true],
    ['a.', false],
    ['a.x', false],
    ['ab', false],
    ['a.0.1', false],
  ])('a cookie named "%s" is a part of "a": %s', (cookieName, expected) => {
    expect(isChunkOf(cookieName, 'a')).toBe(expected)
  })
})
