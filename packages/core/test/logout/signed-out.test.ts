import { describe, expect, test } from 'vitest'
import { buildSignedOut, createSignedOut } from '../../src/logout/signed-out.ts'
import { createExchange, createJar, readSetCookie } from '../support/exchange.ts'

const attributes = { secure: true, sameSite: 'lax', path: '/', domain: undefined } as const
const signedOut = createSignedOut({ name: 'oidc', attributes })

function leave(returnTo: string) {
  const jar = createJar()
  const exchange = jar.request()
  signedOut.note(exchange, returnTo)
  jar.keep(exchange)
  return jar
}

describe('the return after a logout', () => {
  test.each([
    ['/', '/'],
    ['/', '/?state=abc'],
    ['/orders?tab=2', '/orders?tab=2&state=abc'],
    ['/orders#top', '/orders'],
  ])('to %s is known at %s, once', (returnTo, target) => {
    const jar = leave(returnTo)
    const first = jar.request()
    expect(signedOut.isReturn(first, target)).toBe(true)
    jar.keep(first)
    expect(signedOut.isReturn(jar.request(), target)).toBe(false)
    expect(jar.cookies.size).toBe(0)
  })

  test.each(['/', '/orders/', '/orders/1', '/Orders', '/order'])(
    'to /orders is not one to %s, and is still expected',
    (target) => {
      const jar = leave('/orders')
      const other = jar.request()
      expect(signedOut.isReturn(other, target)).toBe(false)
      expect(other.set).toEqual([])
      expect(signedOut.isReturn(jar.request(), '/orders')).toBe(true)
    },
  )

  test('is expected for a minute, in a cookie that tells nothing', () => {
    const exchange = createExchange()
    signedOut.note(exchange, `/${'a'.repeat(1000)}`)
    const { name, value, maxAge } = readSetCookie(exchange.set[0] ?? '')
    expect([name, maxAge]).toEqual(['oidc.out', '60'])
    expect(value).toMatch(/^[\w-]{16}$/)
    expect(exchange.set[0]).toMatch(/HttpOnly; Secure; SameSite=Lax$/)
  })

  test('is forgotten when somebody wants to sign in, and nothing is set where there is nothing', () => {
    const jar = leave('/')
    const exchange = jar.request()
    signedOut.forget(exchange)
    jar.keep(exchange)
    expect(jar.cookies.size).toBe(0)
    const another = jar.request()
    signedOut.forget(another)
    expect(another.set).toEqual([])
  })

  test('is not noted once the response has started: that is no way back', () => {
    const exchange = createExchange({ isStarted: true })
    signedOut.note(exchange, '/')
    expect(exchange.set).toEqual([])
  })
})

test('the page has one button, to the very place', () => {
  const { status, headers, body } = buildSignedOut('/orders?a=b&state="<x>')
  expect(status).toBe(200)
  expect(headers['cache-control']).toBe('no-store')
  expect(body.match(/<a [^>]*>/g)).toEqual(['<a href="/orders?a=b&amp;state=&quot;&lt;x&gt;">'])
})
