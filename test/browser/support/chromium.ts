/**
 * The Chromium that is installed on this machine, where there is one.
 *
 * @module
 */

import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'
import { explainSkip } from '../../support/installed.ts'

const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

const executable = [process.env['CHROMIUM_PATH'], '/usr/bin/chromium'].find(
  (path) => path !== undefined && existsSync(path),
)

const missing =
  executable === undefined ? ['Chromium (apt-get install chromium) or set CHROMIUM_PATH'] : []

/** Why browser tests cannot run here. */
export const skipReason = explainSkip(missing)

/** Milliseconds in which a step must be done: for steps that hang, and not for machines that are busy. */
export const stepTimeout = 30_000

/** Starts Chromium. */
export async function launchChromium(): Promise<Browser> {
  if (executable === undefined) {
    throw new Error('no Chromium: install it (apt-get install chromium) or set CHROMIUM_PATH')
  }
  return await chromium.launch({ executablePath: executable, args })
}
