import { expect, test } from 'vitest'
import { createUsedIds } from '../src/used-ids.ts'

test('an id is good once', () => {
  const ids = createUsedIds()
  expect(ids.add('one', Date.now() / 1000 + 60)).toBe(true)
  expect(ids.add('one', Date.now() / 1000 + 60)).toBe(false)
})

test('a full memory forgets what has expired first', () => {
  const ids = createUsedIds(2)
  ids.add('for ever', 1e308)
  ids.add('expired', Date.now() / 1000 - 120)
  ids.add('new', 1e308)
  expect(ids.add('for ever', 1e308)).toBe(false)
  expect(ids.add('expired', 1e308)).toBe(true)
})

test('ids that never expire do not fill the memory without end', () => {
  const ids = createUsedIds(2)
  for (const id of ['one', 'two', 'three']) ids.add(id, Number.POSITIVE_INFINITY)
  expect(ids.add('three', 1e308)).toBe(false)
  expect(ids.add('two', 1e308)).toBe(false)
  expect(ids.add('one', 1e308)).toBe(true)
})
