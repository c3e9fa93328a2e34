/**
 * Whether our clock and the provider's agree, by the `Date` of its answer.
 *
 * @see RFC 9110, 6.6.1
 *
 * @module
 */

import type { Examination, MetadataAnswer } from './examination.ts'
import { fault, type Result, skip } from './finding.ts'

/** Seconds between the clocks that no provider minds, and that most do not. @see FAPI 2.0 SP, 5.3.2.1 */
const unnoticed = 5
/** Seconds by which a server's own `Date` may be late: some write it ahead of their answers. */
const unknown = 1
const tolerated = 10
/** Seconds for which a cache may have had an answer; what says more is no cache's. */
const longestAge = 86_400

/** Compares the clocks. */
export async function examineClock({ metadataAnswer }: Examination): Promise<Result> {
  let answer: MetadataAnswer
  try {
    answer = await metadataAnswer()
  } catch {
    return skip('the provider does not answer')
  }
  const skew = readSkew(answer)
  if (skew === undefined) return skip('the provider does not say what time it is')
  const seconds = Math.round(Math.abs(skew) * 10) / 10
  const facts = { skew: Math.round(skew * 10) / 10 }
  const side = skew > 0 ? 'ahead of' : 'behind'
  const seen = `our clock is ${seconds} s ${side} the provider's`
  if (seconds <= unnoticed) {
    return { seen: seconds <= unknown ? "our clock and the provider's agree" : seen, facts }
  }
  const fix =
    'Set the clock of this machine by NTP (timedatectl set-ntp true), in a VM or container that of its host.'
  if (seconds <= tolerated) {
    const means = `Most providers allow ${tolerated} s. Some allow none for assertions that come from the future.`
    return fault('warning', seen, { means, fix }, facts)
  }
  const means =
    skew > 0
      ? 'The client assertion is from the future for the provider: it answers invalid_client.'
      : 'ID Tokens are from the future for us and are refused, and assertions are half over when they arrive.'
  return fault('broken', seen, { means, fix }, facts)
}

/**
 * How far our clock is ahead, in seconds, at least: the header has whole seconds, and the answer was made
 * at some moment between the question and its arrival.
 */
function readSkew({ headers, sentAt, receivedAt }: MetadataAnswer): number | undefined {
  const date = Date.parse(headers.get('date') ?? '') / 1000
  if (Number.isNaN(date)) return undefined
  // A cache on the way hands out the date of the day it asked on
  const said = headers.get('age') ?? ''
  const age = /^\d+$/.test(said) ? Number(said) : 0
  const theirs = date + (age <= longestAge ? age : 0)
  const most = receivedAt - theirs
  const least = sentAt - (theirs + 1)
  if (least > 0) return least
  return Math.min(most, 0)
}
