import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { buildBaseUrl, isLoopback, readReturnTo } from '../../src/base/url.ts'

const base = buildBaseUrl(new URL('https://app.example.com'))

describe('a place to return to', () => {
  test.each([
    ['/profile', '/profile'],
    ['/a/b?c=d&e=%20f#g', '/a/b?c=d&e=%20f#g'],
    ['/search?q=%2F%2Fevil', '/search?q=%2F%2Fevil'],
    ['profile', '/profile'],
    ['https://app.example.com/x', '/x'],
    ['/ünïcode', '/%C3%BCn%C3%AFcode'],
    ['/a/../b', '/b'],
  ])('%j on our own origin is kept', (given, expected) => {
    expect(readReturnTo(given, base)).toBe(expected)
  })

  test.each([
    undefined,
    '',
    'https://evil.example',
    'https://evil.example/https://app.example.com/',
    'https://app.example.com.evil.example/',
    'https://app.example.com@evil.example/',
    'https://user:pass@app.example.com/',
    'http://app.example.com/',
    'https://app.example.com:444/',
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\\/evil.example',
    '/./\\evil.example',
    '/.//evil.example',
    '/..//evil.example',
    '/x/..//evil.example',
    '/%2f/evil.example',
    '/%2F%2Fevil.example',
    '/%252f%252fevil.example',
    '/%5cevil.example',
    '/%5Cevil.example',
    '/\tevil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    '/%09/evil.example',
    '/%0d%0aset-cookie:x=y',
    'javascript:alert(1)',
    'java\nscript:alert(1)',
    'data:text/html,x',
    'mailto:a@b',
    'blob:https://app.example.com/logout',
    'blob:https://u:p@app.example.com/x',
    ' https://evil.example',
    '\u0000/evil',
    `/${'a'.repeat(2000)}`,
    'https://',
    'http:evil.example',
    '@evil.example:x//',
  ])('%j ends at home or stays on our origin', (given) => {
    const returnTo = readReturnTo(given, base)
    const url = new URL(returnTo, 'https://app.example.com')
    expect(url.origin).toBe('https://app.example.com')
    expect(returnTo).toMatch(/^\/(?![/\\])/)
  })

  test('whatever comes in, what goes out is a path of ours', () => {
    const fragments = fc.constantFrom(
      '/',
      '\\',
      '%2f',
      '%5c',
      '.',
      '..',
      '@',
      ':',
      '?',
      '#',
      'evil.example',
      'https:',
      '\t',
      ' ',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(fragments).map((parts) => parts.join('')),
        ),
        (given) => {
          const returnTo = readReturnTo(given, base)
          expect(returnTo.startsWith('/') && !returnTo.startsWith('//')).toBe(true)
          expect(returnTo).not.toMatch(/[\\\t\r\n]/)
          expect(new URL(returnTo, base.origin).origin).toBe(base.origin)
          expect(readReturnTo(returnTo, base)).toBe(returnTo)
        },
      ),
      { numRuns: 2000 },
    )
  })

  test('home is the path of "baseUrl"', () => {
    const app = buildBaseUrl(new URL('https://example.com/app'))
    expect(readReturnTo('//evil.example', app)).toBe('/app/')
    expect(readReturnTo('/elsewhere', app)).toBe('/elsewhere')
    expect(readReturnTo('page', app)).toBe('/app/page')
  })
})

test.each([
  ['http://localhost:3000', true],
  ['http://127.0.0.1', true],
  ['http://127.8.8.8', true],
  ['http://[::1]:80', true],
  ['http://localhost.evil.example', false],
  ['http://127.0.0.1.evil.example', false],
  ['http://10.0.0.1', false],
  ['http://0.0.0.0', false],
])('%s is loopback: %s', (url, expected) => {
  expect(isLoopback(new URL(url))).toBe(expected)
})
