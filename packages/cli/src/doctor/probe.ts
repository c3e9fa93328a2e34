/**
 * Whether the provider knows our key: a token request with a code that cannot exist.
 *
 * A provider authenticates the client first, and looks at the code then. (A few do it the other way
 * round, and there this says nothing.)
 *
 * @see RFC 6749, 5.2
 *
 * @module
 */

import { KeyError, ProviderError, type RefusalCause } from '@countersign/core'
import { isSignedMethod } from '@countersign/core/inspection'
import type { Examination } from './examination.ts'
import { fault, type Problem, type Result, skip, titles } from './finding.ts'
import { describeNoAnswer } from './token-endpoint-failure.ts'
import { shorten } from './untrusted.ts'

/** Sends the request. */
export async function examineProbe({ inspection }: Examination): Promise<Result> {
  let answer: Awaited<ReturnType<typeof inspection.probe>>
  try {
    answer = await inspection.probe()
  } catch (error) {
    // What is wrong with the key is told where the key is
    if (error instanceof KeyError) return skip(`see ${titles.key}`)
    if (error instanceof ProviderError) return describeNoAnswer(error)
    throw error
  }
  const { outcome, error } = answer
  const answered = [error.error, error.error_description].filter((text) => text !== undefined)
  const words = shorten(answered.join(': '))
  const facts = {
    outcome,
    error: error.error ?? null,
    description: error.error_description ?? null,
  }
  if (outcome === 'accepted') {
    const what = isSignedMethod(inspection.clientAuth) ? 'key' : 'client'
    const seen = `the provider knows this ${what}: it minds the code alone (invalid_grant)`
    const note = 'a few providers look at the code first: there this says nothing of the key'
    return { seen, facts: { ...facts, note } }
  }
  if (outcome === 'refused') {
    return {
      seen: `the provider answers ${words || '401, and says nothing'}`,
      facts,
      problems: describeCauses(error.refusal?.causes ?? []),
    }
  }
  return fault(
    'warning',
    `the provider answers ${words || shorten(error.message)}`,
    {
      means: 'That says nothing of the key: the request failed for another reason.',
      fix: 'Read what it says; then sign in once and look at the events of the app.',
    },
    facts,
  )
}

/** The likeliest cause first. */
function describeCauses(causes: readonly RefusalCause[]): readonly Problem[] {
  const [first, ...others] = causes
  if (!first) {
    const means = 'The key is not registered at this client, or not yet.'
    return [
      { severity: 'broken', means, fix: 'Register the public key: npx countersign jwks --pem.' },
    ]
  }
  return [
    {
      severity: 'broken',
      means: `Most likely: ${first.message}`,
      fix: buildSentence(first.fix),
      source: first.source,
    },
    ...others.map(
      ({ message, fix, source }): Problem => ({
        severity: 'broken',
        means: `Or: ${message}`,
        fix: buildSentence(fix),
        source,
      }),
    ),
  ]
}

/** What is the half of a line elsewhere is a line of its own here. */
function buildSentence(text: string): string {
  const sentence = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`
}
