import { describe, expect, test } from 'vitest'
import { checkAcr, nameAcr, readRequestedAcr, writeAcr } from '../../src/login/acr.ts'
import type { IdTokenClaims } from '../../src/session/session.ts'
import { catchFault } from '../keys/support/keys.ts'

const base: IdTokenClaims = { iss: 'https://op.example', sub: 'ada', aud: 'app', iat: 1, exp: 2 }

describe('a request', () => {
  test('has "acr_values", where that is what the provider reads', () => {
    const wire = { scope: 'openid', acr_values: 'high' }
    expect(writeAcr(wire, {})).toBe(wire)
    expect(readRequestedAcr(wire)).toEqual(['high'])
  })

  test('has "vtr" in place of them, as a JSON array, where it reads that', () => {
    const wire = writeAcr({ scope: 'openid', acr_values: 'Cl.Cm  P2.Cl.Cm' }, { parameter: 'vtr' })
    expect(wire).toEqual({ scope: 'openid', vtr: '["Cl.Cm","P2.Cl.Cm"]' })
    expect(readRequestedAcr(wire)).toEqual(['Cl.Cm', 'P2.Cl.Cm'])
  })

  test.each([[{}], [{ acr_values: ' ' }], [{ vtr: '{' }], [{ vtr: '{"a":1}' }], [{ vtr: '[1]' }]])(
    'with %j asks for nothing that could be checked',
    (wire) => {
      expect(readRequestedAcr(wire)).toBeUndefined()
    },
  )
})

describe('an ID Token is good', () => {
  const levels = ['low', 'substantial', 'high']

  test.each([
    [undefined, undefined, []],
    [undefined, 'anything', []],
    [['a', 'b'], 'b', []],
    [['substantial'], 'substantial', levels],
    [['substantial'], 'high', levels],
  ])('that was asked for %j and has %j', (requested, acr, order) => {
    expect(checkAcr({ ...base, ...(acr && { acr }) }, requested, { levels: order })).toBeUndefined()
  })

  test.each([
    [['a'], undefined, [], '"acr" is null, and a was asked for'],
    [['a', 'b'], 'c', [], '"acr" is "c", and a or b was asked for'],
    [['high'], 'substantial', levels, '"acr" is "substantial", and high was asked for'],
    [['high'], 'highest', levels, '"acr" is "highest", and high was asked for'],
    [['unknown'], 'high', levels, '"acr" is "high", and unknown was asked for'],
  ])('unless it was asked for %j and has %j', (requested, acr, order, expected) => {
    const { code, message } = catchFault(() =>
      checkAcr({ ...base, ...(acr && { acr }) }, requested, { levels: order }),
    )
    expect(code).toBe('ERR_STEP_UP')
    expect(message).toBe(
      `the provider signed the End-User in, but not as strongly as was asked: ${expected}`,
    )
  })

  test('by its "vot", where the provider answers with that', () => {
    const claims = { ...base, acr: 'P9', vot: 'Cl.Cm' }
    expect(checkAcr(claims, ['Cl.Cm'], { claim: 'vot' })).toBeUndefined()
    const { message } = catchFault(() => checkAcr(claims, ['P9'], { claim: 'vot' }))
    expect(message).toMatch(/"vot" is "Cl\.Cm", and P9 was asked for$/)
  })
})

describe('of a vector of trust', () => {
  const demands = { claim: 'vot', components: ['C'] } as const

  test.each(['Cl.Cm', 'Cm.Cl', 'P2.Cl.Cm'])(
    'the components that the claim has are compared: %s',
    (requested) => {
      expect(checkAcr({ ...base, vot: 'Cl.Cm' }, [requested], demands)).toBeUndefined()
    },
  )

  test.each(['Cl', '', 'P2'])('"vot" of "%s" is not enough for P2.Cl.Cm', (vot) => {
    expect(catchFault(() => checkAcr({ ...base, vot }, ['P2.Cl.Cm'], demands)).code).toBe(
      'ERR_STEP_UP',
    )
  })
})

test('a vector of nothing is never enough', () => {
  const demands = { claim: 'vot', components: ['C'] } as const
  expect(catchFault(() => checkAcr({ ...base, vot: '' }, ['P2'], demands)).code).toBe('ERR_STEP_UP')
})

test('a vector of trust is what guards know as "acr"', () => {
  expect(nameAcr({ ...base, vot: 'Cl.Cm' }, { claim: 'vot' })).toEqual({
    ...base,
    vot: 'Cl.Cm',
    acr: 'Cl.Cm',
  })
  const claims = { ...base, acr: 'x', vot: 'Cl.Cm' }
  expect(nameAcr(claims, {})).toBe(claims)
  expect(nameAcr({ ...base, vot: 7 }, { claim: 'vot' })).toEqual({ ...base, vot: 7 })
})
