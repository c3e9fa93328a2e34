import { expect, test } from 'vitest'
import { ProviderError } from '../src/errors.ts'
import { buildEventError } from '../src/events.ts'

test('an error of ours is told by code, message and causes, outermost first', () => {
  const cause = new Error('fetch failed', { cause: new TypeError('socket hang up') })
  const error = new ProviderError('ERR_DISCOVERY', 'the metadata cannot be read', { cause })
  expect(buildEventError(error)).toEqual({
    code: 'ERR_DISCOVERY',
    message: 'the metadata cannot be read',
    causes: ['Error: fetch failed', 'TypeError: socket hang up'],
  })
})

test("somebody else's error is unexpected, and what is no error says nothing", () => {
  expect(buildEventError(new Error('x'))).toEqual({
    code: 'ERR_UNEXPECTED',
    message: 'x',
    causes: [],
  })
  const nothing = { code: 'ERR_UNEXPECTED', message: '', causes: [] }
  for (const thrown of ['a secret', { message: 'a secret' }, undefined, null]) {
    expect(buildEventError(thrown)).toEqual(nothing)
  }
})

test('the causes are bounded, also where they go round in a circle', () => {
  const error = new Error('a')
  error.cause = error
  expect(buildEventError(error).causes).toHaveLength(5)
})

test('nothing else of an error is told', () => {
  const error = Object.assign(new Error('x'), { response: 'a token', body: 'a token' })
  expect(Object.keys(buildEventError(error))).toEqual(['code', 'message', 'causes'])
})
