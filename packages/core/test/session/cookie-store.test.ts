import { describe, expect, test } from 'vitest'
import type { OidcEvent } from '../../src/events.ts'
import { createSealer } from '../../src/jose/seal.ts'
import { createCookieStore } from '../../src/session/cookie-store.ts'
import { catchFault } from '../keys/support/keys.ts'
import { createJar, type Jar, readSetCookie } from '../support/exchange.ts'
import { secret } from '../support/options.ts'
import { buildSession, createClock, start } from '../support/session.ts'

const name = 'oidc'

function setUp(secrets = [secret], purpose = 'session') {
  const clock = createClock()
  const events: OidcEvent[] = []
  const sealer = createSealer(secrets, purpose)
  const store = createCookieStore({
    name,
    attributes: { secure: false, sameSite: 'lax', path: '/', domain: undefined },
    lifetimes: { idleTimeout: 600, lifetime: 3600 },
    sealer,
    accepts: () => true,
    clock,
    emit: (event) => events.push(event),
  })
  const jar = createJar()
  const signIn = (session = buildSession()) => {
    const exchange = jar.request()
    store.open(exchange).write(session)
    jar.keep(exchange)
  }
  const visit = () => {
    const exchange = jar.request()
    const session = store.open(exchange).read()
    jar.keep(exchange)
    return { session, set: exchange.set }
  }
  return { clock, events, store, jar, signIn, visit, sealer }
}

function changeCookie(jar: Jar, change: (value: string) => string): void {
  jar.put(name, change(jar.cookies.get(name) ?? ''))
}

describe('a session in a cookie', () => {
  test('comes back as it was written, and the browser keeps it for the idle timeout', () => {
    const { store, jar, signIn, visit } = setUp()
    const exchange = jar.request()
    store.open(exchange).write(buildSession())
    expect(exchange.set.map((line) => readSetCookie(line).maxAge)).toEqual(['600'])
    signIn()
    expect(visit().session).toEqual(buildSession())
  })

  test('shows nothing of itself to who reads the cookie', () => {
    const { jar, signIn } = setUp()
    signIn(buildSession({ claims: { ...buildSession().claims, sub: 'ada lovelace' } }))
    const value = jar.cookies.get(name) ?? ''
    const readable = value.split('.').map((part) => Buffer.from(part, 'base64url').toString())
    // Nothing so short that it is in a seal now and then
    expect([value, ...readable].join()).not.toMatch(/lovelace|op\.example|session-1/)
  })

  test('that does not fit into one cookie is in several', () => {
    const { jar, signIn, visit } = setUp()
    const session = buildSession({ extra: { bio: 'x'.repeat(4000) } })
    signIn(session)
    expect([...jar.cookies.keys()]).toEqual(['oidc.0', 'oidc.1'])
    expect(visit().session).toEqual(session)
  })

  test('that is too large is refused, and leaves the one before as it is', () => {
    const { jar, signIn, visit } = setUp()
    signIn()
    const large = buildSession({ extra: { bio: 'x'.repeat(6000) } })
    const { code, message } = catchFault(() => signIn(large))
    expect(code).toBe('ERR_COOKIE_TOO_LARGE')
    expect(message).toMatch(/^the session would take \d+ bytes of cookies, and 6144 is the limit/)
    expect([...jar.cookies.keys()]).toEqual([name])
    expect(visit().session).toEqual(buildSession())
  })

  test('is read within the request that wrote it, and gone within the one that ended it', () => {
    const { store, jar, signIn } = setUp()
    const handle = store.open(jar.request())
    handle.write(buildSession())
    expect(handle.read()).toEqual(buildSession())
    signIn()
    const exchange = jar.request()
    const ending = store.open(exchange)
    ending.clear()
    expect(ending.read()).toBeUndefined()
    jar.keep(exchange)
    expect(jar.cookies.size).toBe(0)
  })

  test('is not looked at before it is asked for, and then once', () => {
    const { store, jar, signIn } = setUp()
    signIn()
    const exchange = jar.request()
    const handle = store.open(exchange)
    expect(exchange.cookieReads).toBe(0)
    handle.read()
    handle.read()
    expect(exchange.cookieReads).toBe(1)
  })

  test('sealed with the secret before is still open after a rotation', () => {
    const old = setUp()
    old.signIn()
    const { jar, visit } = setUp([`${secret}, a new one`, secret])
    changeCookie(jar, () => old.jar.cookies.get(name) ?? '')
    expect(visit().session).toEqual(buildSession())
  })
})

describe('a session in use', () => {
  test('is written again at most once a minute', () => {
    const { clock, signIn, visit } = setUp()
    signIn()
    clock.move(59)
    expect(visit().set).toEqual([])
    clock.move(1)
    expect(visit()).toMatchObject({ session: { seenAt: start + 60 }, set: { length: 1 } })
    clock.move(59)
    expect(visit().set).toEqual([])
  })

  test('lives on beyond the idle timeout, and ends when it is not used for so long', () => {
    const { clock, events, signIn, visit } = setUp()
    signIn()
    clock.move(599)
    expect(visit().session).toBeDefined()
    clock.move(599)
    expect(visit().session).toBeDefined()
    clock.move(600)
    expect(visit()).toEqual({ session: undefined, set: [] })
    expect(events).toEqual([])
  })

  test('ends with its lifetime, and its cookie with it', () => {
    const { clock, signIn, visit } = setUp()
    signIn()
    for (let minute = 5; minute < 60; minute += 5) {
      clock.move(300)
      const [line = ''] = visit().set
      expect(Number(readSetCookie(line).maxAge)).toBe(Math.min(600, 3600 - minute * 60))
    }
    clock.move(299)
    expect(visit().session).toBeDefined()
    clock.move(1)
    expect(visit().session).toBeUndefined()
  })

  test('is read where the response has started, though its use cannot be noted any more', () => {
    const { clock, store, jar, signIn } = setUp()
    signIn()
    clock.move(60)
    const exchange = jar.request({ isStarted: true })
    expect(store.open(exchange).read()).toEqual(buildSession())
    expect(exchange.set).toEqual([])
  })

  test('cannot be replaced where the response has started', () => {
    const { store, jar } = setUp()
    const handle = store.open(jar.request({ isStarted: true }))
    const { code } = catchFault(() => handle.write(buildSession()))
    expect(code).toBe('ERR_RESPONSE_STARTED')
  })
})

describe('a cookie that cannot be opened', () => {
  const foreign = createSealer([`${secret} of another app`], 'session').seal(buildSession())
  const misused = createSealer([secret], 'login').seal(buildSession())
  const own = createSealer([secret], 'session').seal(buildSession())
  const [header = '', , iv = '', text = '', tag = ''] = own.split('.')
  const flipped = `${text.startsWith('A') ? 'B' : 'A'}${text.slice(1)}`

  test.each<[string, string]>([
    ['empty', ''],
    ['not sealed at all', 'e30'],
    ['sealed with another secret', foreign],
    ['sealed for another purpose', misused],
    ['changed in its text', `${header}..${iv}.${flipped}.${tag}`],
    ['cut off', own.slice(0, -4)],
    ['with a shorter tag', `${header}..${iv}.${text}.${tag.slice(0, 6)}`],
    ['unsecured', `${Buffer.from('{"alg":"none"}').toString('base64url')}..${iv}.${text}.${tag}`],
  ])('because it is %s means an anonymous End-User, and one event', (_why, value) => {
    const { events, store, jar } = setUp()
    jar.put(name, value)
    const exchange = jar.request()
    const handle = store.open(exchange)
    expect([handle.read(), handle.read()]).toEqual([undefined, undefined])
    expect(events).toEqual([{ type: 'session.unreadable', cookie: name }])
    expect(exchange.set).toEqual([])
  })

  test('is told apart from none and from a good one', () => {
    const { store, jar, signIn } = setUp()
    const inspect = () => store.inspect(jar.request())
    expect(inspect()).toBe('none')
    signIn()
    expect(inspect()).toBe('readable')
    changeCookie(jar, (value) => value.slice(1))
    expect(inspect()).toBe('unreadable')
  })
})
