import { expect, test } from 'vitest'
import { empty, problem, redirect } from '../../src/http/responses.ts'

test('a redirect is a 303 that is not cached', () => {
  expect(redirect('/next')).toEqual({
    status: 303,
    headers: { 'cache-control': 'no-store', location: '/next' },
    body: '',
  })
})

test('an empty answer is not cached either', () => {
  expect(empty(405)).toEqual({ status: 405, headers: { 'cache-control': 'no-store' }, body: '' })
})

test('a problem is JSON with its status in it', () => {
  const { status, headers, body } = problem(401, { title: 'x' }, { 'www-authenticate': 'OIDC' })
  expect(status).toBe(401)
  expect(headers).toEqual({
    'cache-control': 'no-store',
    'content-type': 'application/problem+json',
    'www-authenticate': 'OIDC',
  })
  expect(JSON.parse(body)).toEqual({ status: 401, title: 'x' })
})
