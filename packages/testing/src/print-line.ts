/**
 * Where an emulator says what was wrong, unless a test listens: on the console of whoever develops the
 * app.
 *
 * @module
 */

/** Prints one line to the standard error. */
export function printLine(line: string): void {
  process.stderr.write(`${line}\n`)
}

/**
 * Makes one line of text that holds what a request had: a terminal obeys some characters, and shows
 * others as nothing or in another order.
 */
export function escapeLine(text: string): string {
  return text
    .replace(/\s*\n\s*/g, ' ')
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => {
      const code = character.codePointAt(0) ?? 0
      return `\\u${code > 0xffff ? `{${code.toString(16)}}` : code.toString(16).padStart(4, '0')}`
    })
}
