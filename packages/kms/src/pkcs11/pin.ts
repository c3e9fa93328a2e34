/**
 * The PIN of a token: where it comes from, and which one was refused.
 *
 * A token locks after a few wrong PINs. So a PIN that was refused is not tried again by this process,
 * whoever asks; only its hash is kept.
 *
 * @see RFC 7512, 2.4 (pin-source)
 * @module
 */

import { createHmac, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { StoreFault } from '../store/key-store.ts'
import { buildUriFault } from './uri.ts'

/** Where a PIN comes from. It is asked at each login. */
export type PinSource = () => Promise<string>

/**
 * Reads where a URI says that the PIN is.
 *
 * @throws KeyError that does not repeat it, which may be the PIN itself
 */
export function readPinSource(name: string, source: string | undefined): PinSource {
  const [, variable] = /^env:(\w+)$/.exec(source ?? '') ?? []
  if (variable !== undefined) return () => readVariable(variable)
  // file:/abs and file:///abs are the same
  const [, path] = /^(?:file:(?:\/\/(?=\/))?)?(\/.+|(?<=^file:)[^/].*)$/.exec(source ?? '') ?? []
  if (path !== undefined) return () => readPinFile(path)
  const forms = 'pin-source=file:/path/pin or pin-source=env:NAME'
  throw buildUriFault(
    name,
    source === undefined
      ? `needs the PIN of its token: add ${forms}`
      : `"pin-source" must say where the PIN is, and not what it is: ${forms}`,
  )
}

/** Creates the source of a PIN that an app gives. */
export function createPinSource(pin: string | (() => string | Promise<string>)): PinSource {
  return async () => {
    if (typeof pin === 'string') return checkPin(pin, 'the PIN')
    let value: unknown
    try {
      value = await pin()
    } catch {
      // What it throws may hold the PIN
      throw buildPinFault('the function "pin" failed')
    }
    return checkPin(value, 'what the function "pin" returned')
  }
}

async function readVariable(variable: string): Promise<string> {
  const value = process.env[variable]
  // What does not look like a name may be the PIN itself, put in the wrong place
  const name = /^[A-Z_][A-Z0-9_]{0,63}$/.test(variable) ? `the variable ${variable}` : 'a variable'
  if (value === undefined) throw buildPinFault(`"pin-source" names ${name}, which is not set`)
  return checkPin(value, name)
}

async function readPinFile(path: string): Promise<string> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    throw buildPinFault(`the file of "pin-source" cannot be read (${code})`)
  }
  return checkPin(text.replace(/\r?\n$/, ''), 'the file of "pin-source"')
}

/** An empty PIN would be tried all the same, and count as a wrong one. */
function checkPin(pin: unknown, place: string): string {
  if (typeof pin === 'string' && pin !== '') return pin
  throw buildPinFault(`${place} is empty`)
}

function buildPinFault(fault: string): StoreFault {
  return new StoreFault('credentials', fault, fault)
}

const secret = randomBytes(32)
const refused = new Set<string>()

/**
 * Checks that a PIN was not refused by this token before.
 *
 * @throws StoreFault `credentials`
 */
export function checkNotRefused(token: string, pin: string): void {
  if (!refused.has(hash(token, pin))) return
  const remedy =
    'its PIN was refused before and is not tried again, so that the token does not lock'
  throw new StoreFault('credentials', 'the PIN was refused before', remedy)
}

/** Remembers that a token refused a PIN. */
export function rememberRefused(token: string, pin: string): void {
  refused.add(hash(token, pin))
}

function hash(token: string, pin: string): string {
  return createHmac('sha256', secret)
    .update(JSON.stringify([token, pin]))
    .digest('base64')
}
