/**
 * Durations and moments, as people write and read them.
 *
 * @module
 */

import { CommandError } from './failure.ts'

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }

/** The longest duration: ten years. */
const maxDuration = 3650 * 86_400

/**
 * Reads a duration: `90s`, `30m`, `24h`, `7d`, `2w`. Seconds.
 *
 * @throws CommandError
 */
export function readDuration(option: string, text: string): number {
  const [, digits = '', unit = ''] = /^(\d{1,6})([smhdw])$/.exec(text.trim()) ?? []
  const seconds = Number(digits) * (units[unit] ?? Number.NaN)
  if (digits !== '' && seconds <= maxDuration) return seconds
  const problem = digits === '' ? 'must be a number and its unit' : 'must be at most ten years'
  throw new CommandError(`${option}: ${problem}, such as 30m, 24h or 7d`)
}

/** A duration in units that people count in: `25 h`, `7 d 1 h`, `90 d`. */
export function describeDuration(seconds: number): string {
  const whole = Math.round(Math.abs(seconds))
  const hours = Math.round(whole / 3600)
  if (hours >= 14 * 24) return `${Math.round(hours / 24)} d`
  if (hours >= 48) return `${Math.floor(hours / 24)} d${hours % 24 === 0 ? '' : ` ${hours % 24} h`}`
  if (whole >= 2 * 3600 || whole === 3600) return `${hours} h`
  if (whole >= 120 || whole === 60) return `${Math.round(whole / 60)} min`
  return `${whole} s`
}

/** A duration as `readDuration` takes it, no longer than this one: `25h`. */
export function buildDuration(seconds: number): string {
  if (seconds >= 2 * 3600) return `${Math.floor(seconds / 3600)}h`
  return seconds >= 60 ? `${Math.floor(seconds / 60)}m` : `${Math.floor(seconds)}s`
}

/** The largest `Date`. @see ECMA-262, 21.4.1.1 */
const maxMoment = 8.64e12

/** A NumericDate, in UTC: `2026-06-01 12:00:00 UTC`. */
export function describeMoment(moment: number): string {
  if (Math.abs(moment) > maxMoment) return String(moment)
  const [day = '', time = ''] = new Date(moment * 1000).toISOString().split('T')
  return `${day} ${time.slice(0, 8)} UTC`
}
