/**
 * Keys in a file or a folder, read again when they change.
 *
 * They are looked at when keys are asked for, which is at a login: no watcher to go deaf when a file is
 * renamed over another, no timer. What is compared is their content: it is short, a symbolic link is
 * followed each time (Kubernetes swaps `..data`), and the times of a file are too coarse to be trusted.
 *
 * @module
 */

import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import type { KeyError } from '../errors.ts'
import { buildEventError, type Emit } from '../events.ts'
import { buildFault, type KeyDeclaration, readInPlace } from './key-material.ts'
import type { KeyPurpose } from './key-purpose.ts'
import { describePublicText, readKeyText } from './key-text.ts'
import type { LocalKeySource } from './static-key.ts'

/** What reading key files takes. */
export interface FileKeySettings<Alg extends string> extends KeyDeclaration<Alg> {
  readonly passphrase?: string | undefined
  readonly emit: Emit
}

/** What in a folder may be a key. Kubernetes keeps its own entries under names that begin with a dot. */
const keyFile = /^[^.].*\.(pem|key|jwk|jwks|json)$/i

/** What people paste by mistake. It is repeated in no message, unless there is such a file. */
const pieceOfKey = /^[^./][^.]{40,}$/

/**
 * Creates the source of the keys in a file or in a folder's files. They are read now, and again later.
 *
 * @throws KeyError `ERR_KEY_UNAVAILABLE`
 */
export function createFileKeySource<Alg extends string, Key>(
  path: string,
  purpose: KeyPurpose<Alg, Key>,
  settings: FileKeySettings<Alg>,
): LocalKeySource<Key> {
  const name = `file:${path}`
  // The same file later, wherever the process has gone
  const place = resolve(path)
  const files = readFilesNow(place)
  if (files instanceof Error && pieceOfKey.test(path)) {
    throw buildFault('"file:" is followed by what is no file, and looks like a piece of a key')
  }
  let seen = fingerprint(files)
  const read = (found: Files) => readKeys(place, found, purpose, settings)
  let keys = read(files)
  let pending: Promise<readonly Key[]> | undefined

  async function refresh(): Promise<readonly Key[]> {
    const found = await readFiles(place)
    const now = fingerprint(found)
    if (now === seen) return keys
    // Whatever comes of it, it is tried once for each change
    seen = now
    try {
      keys = read(found)
    } catch (error) {
      settings.emit({ type: 'key.reload_failed', source: name, error: buildEventError(error) })
      return keys
    }
    settings.emit({
      type: 'key.reloaded',
      source: name,
      kids: keys.map((key) => purpose.identify(key).kid),
    })
    return keys
  }

  return {
    name,
    keys() {
      pending ??= refresh().finally(() => {
        pending = undefined
      })
      return pending
    },
    lastRead: () => keys,
  }
}

/** The text of each file, by its path, of a folder or alone; or why there is none. */
type Files =
  | KeyError
  | {
      readonly isFolder: boolean
      readonly texts: readonly (readonly [path: string, text: string])[]
    }

function readFilesNow(path: string): Files {
  try {
    const isFolder = statSync(path).isDirectory()
    const files = isFolder
      ? listFiles(path, readdirSync(path)).filter((file) => statSync(file).isFile())
      : [path]
    return { isFolder, texts: files.map((file) => [file, readFileSync(file, 'utf8')]) }
  } catch (error) {
    return buildReadFault(path, error)
  }
}

async function readFiles(path: string): Promise<Files> {
  try {
    const isFolder = (await stat(path)).isDirectory()
    const files = isFolder ? listFiles(path, await readdir(path)) : [path]
    const texts = files.map(async (file) => {
      if (isFolder && !(await stat(file)).isFile()) return []
      return [[file, await readFile(file, 'utf8')] as const]
    })
    return { isFolder, texts: (await Promise.all(texts)).flat() }
  } catch (error) {
    return buildReadFault(path, error)
  }
}

function listFiles(path: string, names: readonly string[]): readonly string[] {
  return names
    .filter((name) => keyFile.test(name))
    .sort()
    .map((name) => join(path, name))
}

function buildReadFault(path: string, error: unknown): KeyError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
  return buildFault(`${path} cannot be read (${code})`)
}

function fingerprint(files: Files): string {
  const state = files instanceof Error ? files.message : JSON.stringify(files)
  return createHash('sha256').update(state).digest('base64url')
}

function readKeys<Alg extends string, Key>(
  path: string,
  files: Files,
  purpose: KeyPurpose<Alg, Key>,
  settings: FileKeySettings<Alg>,
): readonly Key[] {
  if (files instanceof Error) throw files
  const materials = pickPrivate(path, files).flatMap(([file, text]) =>
    readInPlace(file, () => readKeyText(text, purpose, settings.passphrase)).map((material) => ({
      ...material,
      place: material.place === undefined ? file : `${file} ${material.place}`,
    })),
  )
  return purpose.build(materials, settings)
}

/** In a folder a certificate or a public key may lie beside the private one, as certbot leaves it. */
function pickPrivate(
  path: string,
  { isFolder, texts }: Exclude<Files, Error>,
): readonly (readonly [path: string, text: string])[] {
  if (!isFolder) return texts
  if (texts.length === 0) {
    throw buildFault(`${path} is a folder without a key file (*.pem, *.key, *.jwk, *.jwks, *.json)`)
  }
  const picked = texts.filter(([, text]) => describePublicText(text) === undefined)
  if (picked.length > 0) return picked
  const seen = texts.map(([file, text]) => `${basename(file)} is ${describePublicText(text)}`)
  throw buildFault(`${path} is a folder without a private key: ${seen.join(', ')}`)
}
