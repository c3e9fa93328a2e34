import { describe, expect, test } from 'vitest'
import {
  isLoginNavigation,
  isNavigation,
  isPrefetch,
  prefersHtml,
} from '../../src/login/negotiation.ts'
import { createExchange } from '../support/exchange.ts'

const chrome =
  'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8'

const fetched = (mode: string, dest?: string) => ({
  'sec-fetch-mode': mode,
  ...(dest !== undefined && { 'sec-fetch-dest': dest }),
})

describe('who opens a page', () => {
  test.each<[method: string, headers: Readonly<Record<string, string>>, boolean]>([
    ['GET', fetched('navigate', 'document'), true],
    ['HEAD', fetched('navigate', 'document'), true],
    ['GET', fetched('navigate', 'iframe'), true],
    ['GET', fetched('navigate', 'frame'), true],
    ['GET', fetched('navigate'), true],
    ['GET', fetched('navigate', 'embed'), false],
    ['GET', fetched('navigate', 'object'), false],
    ['GET', fetched('cors', 'empty'), false],
    ['GET', fetched('no-cors', 'image'), false],
    ['GET', { ...fetched('cors', 'empty'), accept: chrome }, false],
    ['GET', { ...fetched('navigate', 'document'), accept: '*/*' }, true],
    ['POST', fetched('navigate', 'document'), false],
    ['POST', { accept: chrome }, false],
    ['OPTIONS', { accept: chrome }, false],
    ['GET', { accept: chrome }, true],
    ['HEAD', { accept: chrome }, true],
    ['GET', { accept: 'application/json' }, false],
    ['GET', { accept: '*/*' }, false],
    ['GET', {}, false],
  ])('%s with %j: %s', (method, headers, expected) => {
    expect(isNavigation(createExchange({ method, headers }))).toBe(expected)
  })

  test('at the login route, who says nothing of himself is believed', () => {
    const isLogin = (method: string, headers: Readonly<Record<string, string>>) =>
      isLoginNavigation(createExchange({ method, headers }))
    expect(isLogin('GET', {})).toBe(true)
    expect(isLogin('GET', { accept: '*/*' })).toBe(true)
    expect(isLogin('GET', { accept: chrome })).toBe(true)
    expect(isLogin('GET', { accept: 'application/json' })).toBe(false)
    expect(isLogin('GET', fetched('cors', 'empty'))).toBe(false)
    expect(isLogin('POST', {})).toBe(false)
  })
})

describe('an Accept header prefers HTML', () => {
  test.each<[string | undefined, boolean]>([
    [undefined, false],
    ['', false],
    ['text/html', true],
    ['TEXT/HTML', true],
    ['text/*', false],
    ['*/*', false],
    ['text/html;q=0', false],
    ['text/html;q=x', false],
    ['text/html; q=0.5, application/json; q=0.4', true],
    ['text/html;q=0.4,application/json;q=0.5', false],
    ['text/html, application/json', true],
    ['application/json, text/html;level=1;q=0.9', false],
    ['application/json, text/plain, */*', false],
  ])('%j: %s', (accept, expected) => {
    expect(prefersHtml(accept)).toBe(expected)
  })
})

test('what is loaded ahead is known by its purpose', () => {
  const isAhead = (headers: Readonly<Record<string, string>>) =>
    isPrefetch(createExchange({ headers }))
  expect(isAhead({ 'sec-purpose': 'prefetch;prerender' })).toBe(true)
  expect(isAhead({ purpose: 'Prefetch' })).toBe(true)
  expect(isAhead({ purpose: 'preview' })).toBe(true)
  expect(isAhead({})).toBe(false)
})
