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
