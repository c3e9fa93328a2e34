/**
 * The text of an answer of Azure Key Vault, where its clients do not read all that is needed.
 *
 * @module
 */

/** Reads one member of an answer by its path; `undefined` where the answer has no such. */
export function readAnswer(
  text: string | null | undefined,
  ...path: readonly string[]
): string | undefined {
  const value = path.reduce(readMember, parse(text ?? ''))
  return typeof value === 'string' ? value : undefined
}

function readMember(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
