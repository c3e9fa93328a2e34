/**
 * Text in lines of a width.
 *
 * @module
 */

import { escapeControls } from './paint.ts'

/** Makes the text of others text, and nothing but text, on one line. */
export function clean(text: string): string {
  return escapeControls(text.replace(/[\t\n\r]+/g, ' '))
}

/** Breaks text between words. A word that is too long for a line, such as a URL, has one of its own. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of clean(text).split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line]
}
