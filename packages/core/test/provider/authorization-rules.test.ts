import { describe, expect, test } from 'vitest'
import { findRefusedParameters } from '../../src/provider/authorization-rules.ts'

const demanding = { title: 'Acme', authorization: { required: ['vtr', 'ui_locales'] } }

function missing(parameters: Readonly<Record<string, unknown>>): readonly string[] {
  return findRefusedParameters(demanding, parameters).map(({ parameter }) => parameter)
}

describe('a parameter that is required', () => {
  test('is missed where it is not given, or empty', () => {
    expect(missing({ acr_values: 'Cl.Cm' })).toEqual(['ui_locales'])
    expect(missing({ acr_values: 'Cl.Cm', ui_locales: '' })).toEqual(['ui_locales'])
    expect(missing({ acr_values: 'Cl.Cm', ui_locales: 'cy' })).toEqual([])
  })

  test('and is "vtr" is given by "acr_values", of which it is made, and by itself', () => {
    const ui_locales = 'cy'
    expect(missing({ ui_locales })).toEqual(['vtr'])
    expect(missing({ ui_locales, acr_values: '' })).toEqual(['vtr'])
    expect(missing({ ui_locales, acr_values: 'Cl.Cm' })).toEqual([])
    expect(missing({ ui_locales, vtr: '["Cl.Cm"]' })).toEqual([])
  })

  test('by another name is not given by "acr_values"', () => {
    const demands = { title: 'Acme', authorization: { required: ['login_hint'] } }
    const acr = { acr_values: 'Cl.Cm', vtr: '["Cl.Cm"]' }
    expect(findRefusedParameters(demands, acr)).toEqual([
      { parameter: 'login_hint', message: 'is required by Acme' },
    ])
  })
})
