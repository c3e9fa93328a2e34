import { expect, test } from 'vitest'
import { isDue } from '../../src/tokens/token-lifetime.ts'

const now = 1_700_000_000

test.each([
  ['30 seconds left', { expiresAt: now + 30 }, false],
  ['29 seconds left', { expiresAt: now + 29 }, true],
  ['nothing left', { expiresAt: now }, true],
  ['no expiry known', {}, false],
  ['half of a short life left', { expiresAt: now + 5, refreshedFor: 10 }, false],
  ['less than half of a short life left', { expiresAt: now + 4, refreshedFor: 10 }, true],
  ['half a minute of a long life left', { expiresAt: now + 30, refreshedFor: 3600 }, false],
  ['less of a long life left', { expiresAt: now + 29, refreshedFor: 3600 }, true],
  ['no life at all', { expiresAt: now - 1, refreshedFor: 0 }, true],
])('a token with %s', (_name, tokens, expected) => {
  expect(isDue(tokens, now)).toBe(expected)
})

test('who asks for more time gets it, however short the life', () => {
  expect(isDue({ expiresAt: now + 599 }, now, 600)).toBe(true)
  expect(isDue({ expiresAt: now + 600 }, now, 600)).toBe(false)
  expect(isDue({ expiresAt: now + 9, refreshedFor: 10 }, now, 10)).toBe(true)
  expect(isDue({ expiresAt: now + 1 }, now, 0)).toBe(false)
})
