/**
 * The keys of a set over time, as a picture for a terminal.
 *
 * It is not to scale: between two moments there is as much room whether they are an hour or a year apart,
 * since an hour's overlap after a year's wait would not be seen otherwise.
 *
 * @module
 */

import { describeDuration } from './duration.ts'
import type { SetKey } from './key-set.ts'
import { findSigner, findState, isOver, type KeyState } from './key-states.ts'
import type { Paint } from './paint.ts'
import { clean } from './wrap.ts'

/** How it is drawn. */
export interface TimelineStyle {
  readonly columns: number
  readonly hasUnicode: boolean
  readonly paint: Paint
}

/** What each state is called. */
export const stateNames: Readonly<Record<KeyState, string>> = {
  signs: 'signs now',
  next: 'next',
  published: 'published',
  retired: 'retired',
  decrypts: 'decrypts',
}

interface Glyphs {
  readonly signs: string
  readonly published: string
  readonly now: string
}

const unicode: Glyphs = { signs: '█', published: '░', now: '│' }
const ascii: Glyphs = { signs: '#', published: '-', now: '|' }

/** The least and the most characters between two moments. */
const segmentWidths = { least: 3, most: 14 }

/** Draws a row for each key, and the moments below them. */
export function drawTimeline(
  keys: readonly SetKey[],
  now: number,
  style: TimelineStyle,
): readonly string[] {
  const { hasUnicode, paint, columns } = style
  const heads = keys.map((key) => {
    const state = findState(keys, key, now)
    const alg = String(key.alg ?? key.jwk['alg'] ?? '')
    return [shorten(key.kid), shorten(alg), stateNames[state]] as const
  })
  const widths = [0, 1, 2].map((column) =>
    Math.max(...heads.map((head) => [...(head[column] ?? '')].length)),
  )
  const left = widths.reduce((sum, width) => sum + width + 2, 2)
  const moments = findMoments(keys, now)
  const room = Math.floor((columns - left - 1) / (moments.length + 1))
  const width = Math.min(room, segmentWidths.most)
  const isDrawn = width >= segmentWidths.least
  const glyphs = hasUnicode ? unicode : ascii
  const rows = keys.map((key, index) => {
    const head = (heads[index] ?? []).map((text, column) => pad(text, widths[column] ?? 0))
    const bar = isDrawn ? drawBar(keys, key, { now, moments, width, glyphs, paint }) : ''
    const label = `  ${head.join('  ')}`
    const state = findState(keys, key, now)
    return `${colour(paint, state)(label)}  ${bar}`.trimEnd()
  })
  // Then the moments alone have to do
  if (!isDrawn) return [...rows, paint.dim('  (too narrow for the times)')]
  return [...rows, drawLabels(moments, { now, left, width })]
}

/** A name short enough for a row. A thumbprint is known by its first characters. */
export function shorten(kid: string): string {
  const plain = [...clean(kid)]
  return (plain.length <= 14 ? plain : plain.slice(0, 8)).join('')
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - [...text].length))
}

function colour(paint: Paint, state: KeyState): (text: string) => string {
  if (state === 'signs') return paint.green
  if (state === 'next') return paint.cyan
  return state === 'published' ? paint.yellow : paint.dim
}

/** Now, and all moments at which a key that signs begins or ends. */
function findMoments(keys: readonly SetKey[], now: number): readonly number[] {
  const moments = keys
    .filter(({ alg }) => alg !== undefined)
    .flatMap(({ notBefore, notAfter }) => [notBefore, notAfter])
    .filter((moment) => moment !== undefined)
  return [...new Set([...moments, now])].sort((a, b) => a - b)
}

interface BarStyle {
  readonly now: number
  readonly width: number
  readonly glyphs: Glyphs
  readonly paint: Paint
}

function drawBar(
  keys: readonly SetKey[],
  key: SetKey,
  { moments, ...style }: BarStyle & { readonly moments: readonly number[] },
): string {
  const { now, glyphs, paint } = style
  const segments = [(moments[0] ?? now) - 1, ...moments].map((moment, index) => {
    const segment = drawSegment(keys, key, { ...style, moment })
    return index > 0 && moment === now ? paint.bold(glyphs.now) + segment : segment
  })
  return segments.join('')
}

/** The time from a moment to the next one, in which nothing changes. */
function drawSegment(
  keys: readonly SetKey[],
  key: SetKey,
  { now, width, glyphs, paint, moment }: BarStyle & { readonly moment: number },
): string {
  if (key.alg === undefined || isOver(key, moment)) return ' '.repeat(width)
  if (findSigner(keys, moment) === key) return paint.green(glyphs.signs.repeat(width))
  // Since when a key that waits has been published, nobody knows
  const isPublished = moment >= Math.min(now, key.notBefore ?? 0)
  return isPublished ? paint.yellow(glyphs.published.repeat(width)) : ' '.repeat(width)
}

/** How far away each moment is, where there is room to say so. */
function drawLabels(
  moments: readonly number[],
  { now, left, width }: { readonly now: number; readonly left: number; readonly width: number },
): string {
  let line = ''
  for (const [index, moment] of moments.entries()) {
    const isLater = moment > now
    const place = left + (index + 1) * width + (isLater ? 1 : 0)
    const sign = isLater ? '+' : '-'
    const label = moment === now ? 'now' : sign + describeDuration(moment - now).replaceAll(' ', '')
    if (place < line.length + 1) continue
    line = line.padEnd(place) + label
  }
  return line
}
