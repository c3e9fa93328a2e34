import { expect, test } from 'vitest'
import { isDueToRoll, isExpired, secondsLeft } from '../../src/session/lifetime.ts'
import { buildSession, start } from '../support/session.ts'

const lifetimes = { idleTimeout: 600, lifetime: 3600 }

test('a session ends when it was idle for the idle timeout, and not a second before', () => {
  const session = buildSession()
  expect(isExpired(session, lifetimes, start + 599)).toBe(false)
  expect(isExpired(session, lifetimes, start + 600)).toBe(true)
})

test('a session that is used all the time ends with its lifetime', () => {
  const used = (now: number) => buildSession({ seenAt: now })
  expect(isExpired(used(start + 3599), lifetimes, start + 3599)).toBe(false)
  expect(isExpired(used(start + 3600), lifetimes, start + 3600)).toBe(true)
})

test('a session in use is due to be written after a minute', () => {
  expect(isDueToRoll(buildSession(), lifetimes, start + 59)).toBe(false)
  expect(isDueToRoll(buildSession(), lifetimes, start + 60)).toBe(true)
})

test('a short idle timeout is extended when half of it is over', () => {
  const short = { idleTimeout: 30, lifetime: 3600 }
  expect(isDueToRoll(buildSession(), short, start + 14)).toBe(false)
  expect(isDueToRoll(buildSession(), short, start + 15)).toBe(true)
})

test('what is left is the idle timeout, or the rest of the lifetime if that is shorter', () => {
  expect(secondsLeft(buildSession(), lifetimes)).toBe(600)
  expect(secondsLeft(buildSession({ seenAt: start + 3500 }), lifetimes)).toBe(100)
})
