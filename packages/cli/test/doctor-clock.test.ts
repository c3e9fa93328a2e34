import { generateClientKey } from '@countersign/testing'
import { describe, expect, test } from 'vitest'
import { examineClock } from '../src/doctor/clock.ts'
import { buildFinding } from '../src/doctor/finding.ts'
import { takeApart } from './support/doctor.ts'

const { privateKeyPem } = await generateClientKey('EdDSA')
const asked = Date.parse('2026-06-01T12:00:00Z') / 1000

/** What is said of an answer with these headers, which was on its way for 0.4 s. */
async function examine(headers: Record<string, string>): Promise<string> {
  const examination = {
    ...takeApart({ OIDC_CLIENT_KEY: privateKeyPem }),
    metadataAnswer: async () => ({
      status: 200,
      headers: new Headers(headers),
      text: '',
      sentAt: asked,
      receivedAt: asked + 0.4,
    }),
  }
  const { outcome, seen } = buildFinding('clock', await examineClock(examination))
  return `${outcome}: ${seen}`
}

/** The `Date` of a clock that is this many seconds before ours. */
const sayBefore = (seconds: number) => ({ date: new Date((asked - seconds) * 1000).toUTCString() })

describe('the clock', () => {
  // The provider's header is cut to whole seconds: it may be later by almost one
  test.each([
    [0, "well: our clock and the provider's agree"],
    [2, "well: our clock and the provider's agree"],
    [3, "well: our clock is 2 s ahead of the provider's"],
    [6, "well: our clock is 5 s ahead of the provider's"],
    [7, "warning: our clock is 6 s ahead of the provider's"],
    [11, "warning: our clock is 10 s ahead of the provider's"],
    [12, "broken: our clock is 11 s ahead of the provider's"],
    [3601, "broken: our clock is 3600 s ahead of the provider's"],
    [-1, "well: our clock and the provider's agree"],
    [-5, "well: our clock is 4.6 s behind the provider's"],
    [-10, "warning: our clock is 9.6 s behind the provider's"],
    [-61, "broken: our clock is 60.6 s behind the provider's"],
  ])('is compared with one that is %i s before it', async (seconds, said) => {
    expect(await examine(sayBefore(seconds))).toBe(said)
  })

  test('knows for how long a cache had the answer', async () => {
    const agreed = "well: our clock and the provider's agree"
    expect(await examine({ ...sayBefore(600), age: '600' })).toBe(agreed)
    expect(await examine({ ...sayBefore(631), age: '600' })).toBe(
      "broken: our clock is 30 s ahead of the provider's",
    )
  })

  test.each(['86401', '-600', '600 s'])('takes no age of %s', async (age) => {
    expect(await examine({ ...sayBefore(601), age })).toBe(
      "broken: our clock is 600 s ahead of the provider's",
    )
  })

  test('is not compared with nothing', async () => {
    expect(await examine({})).toBe('skipped: the provider does not say what time it is')
  })
})
