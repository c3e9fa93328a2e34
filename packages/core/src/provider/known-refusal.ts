/**
 * What a provider is known to say when it refuses a client, and what it means by it.
 *
 * @module
 */

/** A text that a provider is known to refuse clients with. */
export interface KnownRefusal {
  /** Who says so. */
  readonly from: string
  /** The text, as far as it is always the same. */
  readonly text: string
  /** Matches it in "error_description" or "error_uri". */
  readonly pattern: RegExp
  /** The rule that is broken; "key", "secret", "clock" or "client" for what is no rule. */
  readonly rule: string
  readonly message: string
  readonly fix: string
  readonly source?: string
}

/** What to do wherever it is about time. */
export const compareClocks: string =
  'compare the two clocks, and have both set by NTP: an assertion begins when it is sent, and lasts "assertion.lifetime"'
