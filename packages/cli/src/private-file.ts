/**
 * Files that hold private keys: only their owner reads them, and none is ever half written or lost.
 *
 * @module
 */

import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { CommandError, isSystemError } from './failure.ts'

/** Read and written by its owner alone. */
export const privateMode = 0o600

/** The size from which a file is no key, but was named by mistake. */
const maxSize = 1_000_000

/**
 * Reads where a certificate goes, from the command line.
 *
 * @throws CommandError for standard output
 */
export function readCertificatePlace(place: string, cwd: string): string {
  if (place.trim() !== '-') return resolve(cwd, place)
  throw new CommandError('--certificate-out: "-" is no file: name one, such as ./client-key.crt')
}

/**
 * Creates a file that is not there yet, or with `isForced` takes the place of the one that is.
 *
 * @throws CommandError when it is there
 */
export function createFile(
  path: string,
  text: string,
  { mode = privateMode, isForced = false }: { mode?: number; isForced?: boolean } = {},
): void {
  if (isForced) {
    writeThrough(findTarget(path), (draft) => fill(draft, text, mode))
    return
  }
  writeThrough(path, (draft) => fill(draft, text, mode), place)
}

/**
 * Checks that a file can be created, before a key is made for it.
 *
 * @throws CommandError when it is there, unless `isForced`, when it is no file, or when its folder is not
 *   there
 */
export function checkCreatable(path: string, { isForced }: { readonly isForced: boolean }): void {
  const folder = dirname(path)
  const found = findStats(folder)
  if (!found) throw new CommandError(`${folder}: there is no such folder: make it first`)
  if (!found.isDirectory()) throw new CommandError(`${folder} is not a folder`)
  const there = findStats(findTarget(path))
  if (there?.isDirectory()) throw new CommandError(`${path} is a folder, and a file is needed`)
  if (there && !there.isFile()) throw new CommandError(`${path} is not a file`)
  if (there && !isForced) throw buildExists(path)
}

/**
 * Changes a file in one step. Its mode and its owner stay. Two that change it at the same time do not
 * lose what either of them wrote: the second one is refused.
 *
 * @param change Is given the text, or `undefined` where there is no such file.
 * @throws CommandError
 */
export function changeFile(path: string, change: (text: string | undefined) => string): void {
  const target = findTarget(path)
  checkCreatable(target, { isForced: true })
  writeThrough(target, (draft) => {
    const stats = findStats(target)
    const text = stats && readText(target)
    fill(draft, change(text), stats ? stats.mode & 0o777 : privateMode)
    if (stats) keepOwner(draft, stats, target)
  })
}

/**
 * Reads a file that should hold keys.
 *
 * @throws CommandError when it cannot be one
 */
export function readText(path: string): string {
  const stats = statSync(path)
  // Whoever opens a pipe waits until somebody writes to it
  if (!stats.isFile()) throw new CommandError(`${path} is not a file`)
  if (stats.size > maxSize) {
    throw new CommandError(`${path} is not a file of keys: it has more than 1 MB`)
  }
  return readFileSync(path, 'utf8')
}

/** Who may do more with a file of private keys than its owner, in words; `undefined` when nobody. */
export function describeOpenness(path: string): string | undefined {
  const mode = statSync(path).mode & 0o777
  // Windows has no such modes, and Node makes them up
  if (process.platform === 'win32' || (mode & 0o007) === 0) return undefined
  return `everybody on this machine may read ${path} (mode ${mode.toString(8).padStart(4, '0')})`
}

/** Writes a draft beside the target, and puts it into its place. The draft is what locks the target. */
function writeThrough(
  target: string,
  write: (draft: number) => void,
  put: (draft: string, target: string) => void = renameSync,
): void {
  const draft = join(dirname(target), `.${basename(target)}.tmp`)
  const descriptor = openDraft(draft, target)
  try {
    try {
      write(descriptor)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    put(draft, target)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
}

function openDraft(draft: string, target: string): number {
  try {
    return openSync(draft, 'wx', privateMode)
  } catch (error) {
    if (isSystemError(error, 'EACCES', 'EPERM', 'EROFS')) {
      throw new CommandError(`${dirname(target)}: this user may not write there (${error.code})`)
    }
    if (!isSystemError(error, 'EEXIST')) throw error
    throw new CommandError(
      `${target} is being written by somebody else: wait, or remove ${draft} if that has failed`,
    )
  }
}

/** Puts a draft where nothing may be: unlike a rename, a link takes no other file's place. */
function place(draft: string, target: string): void {
  try {
    linkSync(draft, target)
  } catch (error) {
    if (isSystemError(error, 'EEXIST')) throw buildExists(target)
    if (!isSystemError(error, 'EPERM', 'ENOTSUP', 'ENOSYS', 'EOPNOTSUPP')) throw error
    // A disk without links
    writeFileSync(target, readFileSync(draft), { flag: 'wx', mode: statSync(draft).mode & 0o777 })
  }
  rmSync(draft)
}

function fill(draft: number, text: string, mode: number): void {
  writeFileSync(draft, text)
  fchmodSync(draft, mode)
}

function keepOwner(draft: number, { uid, gid }: Stats, target: string): void {
  try {
    fchownSync(draft, uid, gid)
  } catch (error) {
    if (!isSystemError(error, 'EPERM')) throw error
    throw new CommandError(
      `${target} belongs to another user, who could not read it afterwards: run this as that user`,
    )
  }
}

/**
 * Whether two paths are of one file, which need not be there yet. On some disks names that differ in
 * case alone are the same.
 */
export function isSameFile(path: string, other: string): boolean {
  const [first, second] = [path, other].map((name) => {
    const target = findTarget(name)
    return join(findTarget(dirname(target)), basename(target)).toLowerCase()
  })
  return first === second
}

/**
 * Where a symbolic link leads: the file behind it is replaced, and not the link.
 *
 * @throws CommandError when that is nowhere
 */
function findTarget(path: string): string {
  try {
    return realpathSync(path)
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error
    if (!lstatSync(path, { throwIfNoEntry: false })) return path
    throw new CommandError(
      `${path} is a link that leads nowhere: remove it, or name the file itself`,
    )
  }
}

function findStats(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false })
}

function buildExists(path: string): CommandError {
  return new CommandError(`${path} is there already: --force replaces it, and its key is lost`)
}
