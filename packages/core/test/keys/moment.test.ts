import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readMoment } from '../../src/keys/moment.ts'

test.each<[unknown, number]>([
  [0, 0],
  [1_800_000_000, 1_800_000_000],
  [1.5, 1.5],
  ['1800000000', 1_800_000_000],
  ['2020-01-01', 1_577_836_800],
  ['2020-01-01T00:00:00Z', 1_577_836_800],
  ['2020-01-01T02:00:00+02:00', 1_577_836_800],
  ['2019-12-31T19:00-05:00', 1_577_836_800],
  ['2020-01-01T00:00:00.999Z', 1_577_836_800],
  [new Date(1_577_836_800_999), 1_577_836_800],
])('%s is the moment %d', (value, moment) => {
  expect(readMoment(value)).toBe(moment)
})

test.each([
  ['a time without its zone', '2020-01-01T00:00:00'],
  ['a day that is none', '2020-02-31T00:00:00+99:00'],
  ['a month that is none', '2020-13-01'],
  ['milliseconds', 1_800_000_000_000],
  ['milliseconds as text', '1800000000000'],
  ['a moment before 1970', -1],
  ['a year', '2020'],
  ['words', 'tomorrow'],
  ['nothing', ''],
  ['infinity', Number.POSITIVE_INFINITY],
  ['no number', Number.NaN],
  ['a date that is none', new Date(Number.NaN)],
  ['a list', [2020]],
])('%s is no moment', (_, value) => {
  expect(readMoment(value)).toBeUndefined()
})

test('a moment is the same as a number, as a text and as a `Date`', () => {
  const moments = fc.integer({ min: 100_000_000, max: 99_999_999_999 })
  fc.assert(
    fc.property(moments, (moment) => {
      const date = new Date(moment * 1000)
      const forms = [moment, String(moment), date]
      expect(new Set(forms.map(readMoment))).toEqual(new Set([moment]))
    }),
  )
})
