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
import { join, resolve } from 'node:path'
import type { KeyError } from '../errors.ts'
import { buildEventError, type Emit } from '../events.ts'
import { buildFault, readInPlace } from './key-material.ts'
import { createTimedSigners, type KeySettings } from './key-settings.ts'
import { readKeyText } from './key-text.ts'
import type { KeySource, TimedSigner } from './signer.ts'

/** What reading key files takes. */
export interface FileKeySettings extends KeySettings {
  readonly passphrase?: string | undefined
  readonly emit: Emit
}

/** What in a folder is a key. Kubernetes keeps its own entries under names that begin with a dot. */
const keyFile = /^[^.].*\.(pem|key|jwk|jwks|json)$/i

/**
 * Creates the source of the keys in a file or in a folder's files. They are read now, and again later.
 *
 * @throws KeyError `ERR_KEY_UNAVAILABLE`
 */
export function createFileKeySource(path: string, settings: FileKeySettings): KeySource {
  const name = `file:${path}`
  // The same file later, wherever the process has gone
  const place = resolve(path)
  const files = readFilesNow(place)
  let seen = fingerprint(files)
  let keys = readKeys(place, files, settings)
  let pending: Promise<readonly TimedSigner[]> | undefined

  async function refresh(): Promise<readonly TimedSigner[]> {
    const found = await readFiles(place)
    const now = fingerprint(found)
    if (now === seen) return keys
    // Whatever comes of it, it is tried once for each change
    seen = now
    try {
      keys = readKeys(place, found, settings)
    } catch (error) {
      settings.emit({ type: 'key.reload_failed', source: name, error: buildEventError(error) })
      return keys
    }
    settings.emit({
      type: 'key.reloaded',
      source: name,
      kids: keys.map(({ signer }) => signer.kid),
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
  }
}

/** The text of each file, by its path; or why there is none. */
type Files = KeyError | readonly (readonly [path: string, text: string])[]

function readFilesNow(path: string): Files {
  try {
    return listFiles(path, statSync(path).isDirectory() && readdirSync(path)).map((file) => [
      file,
      readFileSync(file, 'utf8'),
    ])
  } catch (error) {
    return buildReadFault(path, error)
  }
}

async function readFiles(path: string): Promise<Files> {
  try {
    const files = listFiles(path, (await stat(path)).isDirectory() && (await readdir(path)))
    return await Promise.all(
      files.map(async (file) => [file, await readFile(file, 'utf8')] as const),
    )
  } catch (error) {
    return buildReadFault(path, error)
  }
}

function listFiles(path: string, names: readonly string[] | false): readonly string[] {
  if (!names) return [path]
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

function readKeys(path: string, files: Files, settings: FileKeySettings): readonly TimedSigner[] {
  if (files instanceof Error) throw files
  if (files.length === 0) {
    throw buildFault(`${path} is a folder without a key file (*.pem, *.key, *.jwk, *.jwks, *.json)`)
  }
  const materials = files.flatMap(([file, text]) =>
    readInPlace(file, () => readKeyText(text, settings.passphrase)).map((material) => ({
      ...material,
      place: material.place === undefined ? file : `${file} ${material.place}`,
    })),
  )
  return createTimedSigners(materials, settings)
}
