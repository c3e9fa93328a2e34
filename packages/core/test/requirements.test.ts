import { describe, expect, test } from 'vitest'
import { findStepUp, hasClaims } from '../src/requirements.ts'
import { buildSession, start } from './support/session.ts'

const { claims } = buildSession()

describe('a sign-in', () => {
  const strong = buildSession({ claims: { ...claims, acr: 'strong', amr: ['pwd', 'otp'] } })

  test('that is strong enough is not stepped up', () => {
    expect(findStepUp(strong, {}, { now: start })).toBeUndefined()
    expect(findStepUp(strong, { acr: 'strong', amr: 'otp' }, { now: start })).toBeUndefined()
    expect(findStepUp(strong, { acr: ['weak', 'strong'] }, { now: start })).toBeUndefined()
  })

  test('is strong enough at a higher level, where the provider is known to have levels', () => {
    const demands = { levels: ['weak', 'strong'] }
    expect(findStepUp(strong, { acr: 'weak' }, { now: start, demands })).toBeUndefined()
    expect(findStepUp(strong, { acr: 'weak' }, { now: start })).toMatchObject({
      stepUp: { acr: ['weak'] },
    })
  })

  test('that is too weak is stepped up to what was asked for', () => {
    expect(findStepUp(strong, { acr: 'stronger' }, { now: start })).toEqual({
      stepUp: { acr: ['stronger'], amr: undefined },
    })
    expect(findStepUp(strong, { amr: ['otp', 'hwk'] }, { now: start })).toEqual({
      stepUp: { acr: undefined, amr: ['otp', 'hwk'] },
    })
  })

  test('is recent until its age is over', () => {
    expect(findStepUp(strong, { maxAge: 60 }, { now: start + 60 })).toBeUndefined()
    expect(findStepUp(strong, { maxAge: 60 }, { now: start + 61 })).toMatchObject({ maxAge: 60 })
  })

  test('of a time that the provider does not tell is too old', () => {
    const { auth_time: _, ...timeless } = claims
    const session = buildSession({ claims: timeless })
    expect(findStepUp(session, { maxAge: 3600 }, { now: start })).toMatchObject({ maxAge: 3600 })
  })

  test('that was asked for now counts as now for a minute, and then no more', () => {
    const asked = buildSession({ maxAge: 0, claims: { ...claims, auth_time: start - 20 } })
    expect(findStepUp(asked, { maxAge: 0 }, { now: start + 59 })).toBeUndefined()
    expect(findStepUp(asked, { maxAge: 0 }, { now: start + 60 })).toMatchObject({ maxAge: 0 })
  })

  test('that was asked to be less recent does not count as now', () => {
    const asked = buildSession({ maxAge: 300, claims: { ...claims, auth_time: start - 200 } })
    expect(findStepUp(asked, { maxAge: 0 }, { now: start + 1 })).toMatchObject({ maxAge: 0 })
    expect(findStepUp(asked, { maxAge: 300 }, { now: start + 1 })).toBeUndefined()
  })
})

describe('claims', () => {
  const user = { sub: 'ada', role: 'admin', groups: ['a', 'b'], email_verified: true, level: 3 }

  test.each([
    [{ role: 'admin' }, true],
    [{ role: ['user', 'admin'] }, true],
    [{ groups: 'b' }, true],
    [{ groups: ['x', 'a'] }, true],
    [{ email_verified: true, level: 3 }, true],
    [{ level: (value: unknown) => Number(value) > 2 }, true],
    [{}, true],
    [undefined, true],
    [{ role: 'user' }, false],
    [{ role: [] }, false],
    [{ groups: ['x'] }, false],
    [{ role: 'admin', groups: 'x' }, false],
    [{ email_verified: 'true' }, false],
    [{ missing: 'x' }, false],
    [{ level: (value: unknown) => Number(value) > 3 }, false],
  ])('%o: %s', async (expected, has) => {
    expect(await hasClaims(user, expected)).toBe(has)
  })

  test('a function decides by itself, now or later', async () => {
    expect(await hasClaims(user, ({ role }) => role === 'admin')).toBe(true)
    expect(await hasClaims(user, () => Promise.resolve(false))).toBe(false)
  })
})
