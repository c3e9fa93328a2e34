/**
 * Colours, and what keeps the text of others from being more than text.
 *
 * @module
 */

import picocolors from 'picocolors'
import { hasColour, type Surroundings } from './surroundings.ts'

/** A function for each colour. They leave text as it is where there are no colours. */
export type Paint = ReturnType<typeof picocolors.createColors>

/** Creates the colours of a place. */
export function createPaint(surroundings: Surroundings): Paint {
  return picocolors.createColors(hasColour(surroundings))
}

/**
 * Escapes what would move a terminal's cursor, colour it or turn its text around. For every text that
 * somebody else wrote: a provider, a file.
 */
export function escapeControls(text: string): string {
  return text.replace(/(?!\n)[\p{Cc}\p{Bidi_Control}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0
    return `\\u${code.toString(16).padStart(4, '0')}`
  })
}
