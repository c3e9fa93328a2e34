/**
 * Whether a secret was drawn, or made up by somebody: what can be guessed protects no session.
 *
 * @module
 */

const words =
  /secret|passw|change|example|default|session|countersign|qwert|12345|abcde|replace|your/i

/** Fewer different characters than random text of this length ever has. */
const fewest = 10

/** Why a secret looks as if it could be guessed, if it does. The secret itself is not in the answer. */
export function findWeakness(secret: string): string | undefined {
  const different = new Set(secret).size
  if (different === 1) return 'is one character over and over'
  if (isRepeated(secret)) return 'is a short text over and over'
  if (different < fewest) return `has only ${different} different characters`
  if (words.test(secret) || /^[a-z]+(?:[ _-][a-z]+){2,}/i.test(secret)) return 'is made of words'
  return undefined
}

function isRepeated(secret: string): boolean {
  return (secret + secret).indexOf(secret, 1) < secret.length
}
