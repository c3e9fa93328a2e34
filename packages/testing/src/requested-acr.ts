/**
 * How strongly an Authentication Request asks that the End-User be authenticated: in `acr_values`, or
 * in vectors of trust.
 *
 * @see OpenID Connect Core 1.0, 3.1.2.1
 * @see RFC 8485, 4.1
 *
 * @module
 */

/** Reads what is asked for, the most wanted first. */
export function readRequestedAcr(
  params: { readonly [name: string]: string | undefined } = {},
): readonly string[] {
  const values = params['acr_values']?.split(' ') ?? readVectors(params['vtr']) ?? []
  return values.filter((value) => value !== '')
}

/** Reads vectors of trust. `undefined` for what is no JSON array of texts. */
export function readVectors(untrusted: string | undefined): readonly string[] | undefined {
  if (untrusted === undefined) return undefined
  try {
    const vectors: unknown = JSON.parse(untrusted)
    if (!Array.isArray(vectors) || vectors.length === 0) return undefined
    return vectors.every((vector) => typeof vector === 'string') ? vectors : undefined
  } catch {
    return undefined
  }
}
