/**
 * Whether what comes to an endpoint at which clients authenticate is a form that reads in one way only:
 * each parameter once, and no credentials beside it. Then what is checked here is what oidc-provider acts
 * on.
 *
 * @module
 */

/** A form, and what came with it. */
export interface SentForm {
  readonly form: URLSearchParams
  /** Of the URL. */
  readonly query: URLSearchParams
  /** The header. */
  readonly contentType: string | undefined
}

// In another charset the same bytes would be other parameters
const formType = /^application\/x-www-form-urlencoded\s*(;\s*charset="?utf-8"?\s*)?$/i

/** What a client authenticates with, and never in the URL. @see RFC 6749, 2.3.1 */
const credentials = ['client_id', 'client_secret', 'client_assertion', 'client_assertion_type']

/** The parameters that may be there more than once. @see RFC 8707, 2; RFC 8693, 2.1 */
const lists = ['resource', 'audience']

/** Finds what is wrong with a form. @see RFC 6749, 3.2 */
export function findFormFault({ form, query, contentType }: SentForm): string | undefined {
  if (!formType.test(contentType ?? '')) {
    return 'the request must be a form: its "Content-Type" must be application/x-www-form-urlencoded'
  }
  const misplaced = credentials.find((name) => query.has(name))
  if (misplaced !== undefined) return `"${misplaced}" must be in the form, and not in the URL`
  const seen = new Set<string>()
  for (const name of form.keys()) {
    if (seen.has(name) && !lists.includes(name)) {
      return `${JSON.stringify(name).slice(0, 200)} must be there once, and is repeated`
    }
    seen.add(name)
  }
  return undefined
}
