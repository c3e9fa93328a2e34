import { expect, test } from 'vitest'
import { defaultRoutes } from '../src/option-checks.ts'
import { createOwnPaths } from '../src/own-paths.ts'

test.each([
  ['/login', { name: 'login', provider: undefined }],
  ['/login/one', { name: 'login', provider: 'one' }],
  ['/.well-known/jwks.json/one', { name: 'jwks', provider: 'one' }],
  ['/backchannel-logout/one', { name: 'backchannelLogout', provider: 'one' }],
  ['/logout', { name: 'logout', provider: undefined }],
  ['/logout/one', undefined],
  ['/login/', undefined],
  ['/login/one/two', undefined],
  ['/login/%6Fne', undefined],
  [`/login/${'x'.repeat(65)}`, undefined],
  ['/login/constructor', undefined],
  ['/login/__proto__', undefined],
  ['/LOGIN/one', undefined],
  ['/session', undefined],
  ['', undefined],
  ['/', undefined],
  ['login', undefined],
])('with several providers, %j is %j', (path, found) => {
  expect(createOwnPaths({ routes: defaultRoutes, hasSeveral: true })(path)).toEqual(found)
})

test('with one provider, nothing is below our routes', () => {
  const find = createOwnPaths({ routes: defaultRoutes, hasSeveral: false })
  expect(find('/login/one')).toBeUndefined()
  expect(find('/login')).toEqual({ name: 'login', provider: undefined })
})

test('a route that is switched off is not ours, and nothing below it is', () => {
  const routes = { ...defaultRoutes, login: false } as const
  const find = createOwnPaths({ routes, hasSeveral: true })
  expect([find('/login'), find('/login/one'), find('false')]).toEqual([
    undefined,
    undefined,
    undefined,
  ])
})
