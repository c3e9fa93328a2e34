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
 * Escapes what would move a terminal's cursor, colour it or turn its text around, and what nobody sees
 * at all. For every text that somebody else wrote: a provider, a file. JSON stays the same JSON.
 */
export function escapeControls(text: string): string {
  return text.replace(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    // By UTF-16 code units, as JSON counts them
    Array.from({ length: character.length }, (_, index) => {
      const unit = character.charCodeAt(index).toString(16)
      return `\\u${unit.padStart(4, '0')}`
    }).join(''),
  )
}
