/**
 * SoftHSM2 with tokens of the test's own, in a folder that goes when the tests are over.
 *
 * It reads its configuration when it is initialised, once in a process: so it is set before anything
 * loads the module, with all tokens that the file of tests needs.
 *
 * @module
 */

import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { explainSkip, titleOf } from '../../../support/installed.ts'

const run = promisify(execFile)

/** The module, where it is installed. */
const modulePath = [
  process.env['SOFTHSM2_MODULE'],
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib64/softhsm/libsofthsm2.so',
  '/usr/lib64/pkcs11/libsofthsm2.so',
  '/opt/homebrew/lib/softhsm/libsofthsm2.so',
].find((path) => path !== undefined && existsSync(path))

const hasUtility = (process.env['PATH'] ?? '')
  .split(delimiter)
  .some((folder) => existsSync(join(folder, 'softhsm2-util')))

const hasPackage = await import('pkcs11js').then(
  () => true,
  () => false,
)

const missing = [
  ...(modulePath === undefined || !hasUtility ? ['SoftHSM2 (apt-get install softhsm2)'] : []),
  ...(hasPackage ? [] : ['pkcs11js (npm install pkcs11js, which compiles it)']),
]

/** Why these tests cannot run here. */
export const skipReason = explainSkip(missing)

/** A suite's name, and why it is skipped. */
export const title = (name: string) => titleOf(name, skipReason)

/** The user PIN of every token. */
export const pin = '471108'
/** Their security officer's PIN. */
export const officerPin = '99998888'

/** SoftHSM2 in this process. */
export interface SoftHsm {
  readonly modulePath: string
  readonly folder: string
  /** Imports a private key, in another process. */
  importKey(key: {
    readonly token: string
    readonly object: string
    readonly id: string
    readonly pem: string
  }): Promise<void>
  close(): void
}

/** Makes the tokens. Nothing in this process may have loaded the module before. */
export async function startSoftHsm(
  tokens: readonly string[],
  settings: readonly string[] = [],
): Promise<SoftHsm> {
  if (modulePath === undefined || missing.length > 0) {
    throw new Error(`these tests need more: install ${missing.join(' and ')}`)
  }
  const folder = mkdtempSync(join(tmpdir(), 'countersign-softhsm-'))
  const configuration = join(folder, 'softhsm2.conf')
  mkdirSync(join(folder, 'tokens'))
  const lines = [
    `directories.tokendir = ${join(folder, 'tokens')}`,
    'objectstore.backend = file',
    'log.level = ERROR',
    'slots.removable = false',
    ...settings,
    '',
  ]
  writeFileSync(configuration, lines.join('\n'))
  process.env['SOFTHSM2_CONF'] = configuration
  for (const token of tokens) {
    const pins = ['--pin', pin, '--so-pin', officerPin]
    await run('softhsm2-util', ['--init-token', '--free', '--label', token, ...pins])
  }
  return {
    modulePath,
    folder,
    async importKey({ token, object, id, pem }) {
      const path = join(folder, `${id}.pem`)
      writeFileSync(path, pem, { mode: 0o600 })
      const key = ['--import', path, '--token', token, '--label', object, '--id', id]
      await run('softhsm2-util', [...key, '--pin', pin])
      rmSync(path)
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  }
}
