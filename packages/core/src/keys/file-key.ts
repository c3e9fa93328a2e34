/**
 * Keys in a file or a folder, read again when they change.
 *
 * Whether they changed is looked at when keys are asked for, which is at a login: no watcher to go deaf
 * when a file is renamed over another, no timer. A symbolic link is followed each time, so Kubernetes'
 * swap of `..data` is a change like any other.
 *
 * @module
 */

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { KeyError } from '../errors.ts'
import { buildEventError, type Emit } from '../events.ts'
import { readKeyText } from './key-material.ts'
import { createTimedSigners, type KeySettings } from './key-settings.ts'
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
  // Looked at first: what changes while it is read is then read again
  let seen = lookSync(path)
  let keys = readKeys(path, settings)
  let pending: Promise<readonly TimedSigner[]> | undefined

  async function refresh(): Promise<readonly TimedSigner[]> {
    const now = await look(path)
    if (now === seen) return keys
    // Whatever comes of it, it is tried once for each change
    seen = now
    try {
      keys = readKeys(path, settings)
      settings.emit({ type: 'key.reloaded', source: name, kids: keys.map(({ signer }) => signer.kid) })
    } catch (error) {
      settings.emit({ type: 'key.reload_failed', source: name, error: buildEventError(error) })
    }
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

/** What tells one state of a file from the next. */
interface Stats {
  readonly ino: bigint
  readonly size: bigint
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
}

function fingerprint({ ino, size, mtimeNs, ctimeNs }: Stats): string {
  return [ino, size, mtimeNs, ctimeNs].join(':')
}

function lookSync(path: string): string {
  try {
    const stats = statSync(path, { bigint: true })
    const names = stats.isDirectory() ? readdirSync(path).filter(isKeyFile) : []
    const files = names.map((name) => [name, fingerprint(statSync(join(path, name), { bigint: true }))])
    return JSON.stringify([stats.isDirectory() ? 'folder' : fingerprint(stats), files])
  } catch {
    return 'missing'
  }
}

async function look(path: string): Promise<string> {
  try {
    const stats = await stat(path, { bigint: true })
    const names = stats.isDirectory() ? (await readdir(path)).filter(isKeyFile) : []
    const files = await Promise.all(
      names.map(async (name) => [name, fingerprint(await stat(join(path, name), { bigint: true }))]),
    )
    return JSON.stringify([stats.isDirectory() ? 'folder' : fingerprint(stats), files])
  } catch {
    return 'missing'
  }
}

function isKeyFile(name: string): boolean {
  return keyFile.test(name)
}

function readKeys(path: string, settings: FileKeySettings): readonly TimedSigner[] {
  const isFolder = attempt(path, () => statSync(path).isDirectory())
  if (!isFolder) return readFile(path, settings)
  const names = attempt(path, () => readdirSync(path)).filter(isKeyFile).sort()
  if (names.length === 0) {
    throw new KeyError(
      'ERR_KEY_UNAVAILABLE',
      `${path} is a folder without a key file (*.pem, *.key, *.jwk, *.jwks, *.json)`,
    )
  }
  return names.flatMap((name) => readFile(join(path, name), settings))
}

function readFile(path: string, settings: FileKeySettings): readonly TimedSigner[] {
  const text = attempt(path, () => readFileSync(path, 'utf8'))
  try {
    return createTimedSigners(readKeyText(text, settings.passphrase), settings)
  } catch (error) {
    if (!(error instanceof KeyError)) throw error
    throw new KeyError('ERR_KEY_UNAVAILABLE', `${path} ${error.message}`)
  }
}

function attempt<Value>(path: string, read: () => Value): Value {
  try {
    return read()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    throw new KeyError('ERR_KEY_UNAVAILABLE', `${path} cannot be read (${code})`)
  }
}
