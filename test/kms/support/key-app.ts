/**
 * Apps in processes of their own, which sign in with the keys that they are told of, and live at the
 * time of the test.
 *
 * @module
 */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { OidcEvent } from '@countersign/core'
import { findPort } from '../../support/examples.ts'
import type { AppKeys } from './key-kinds.ts'

const app = fileURLToPath(new URL('app/app.js', import.meta.url))

/** An app, listening. */
export interface KeyApp {
  readonly url: string
  readonly events: OidcEvent[]
  /** Moves its clock, by seconds. */
  advance(seconds: number): Promise<void>
  close(): Promise<void>
}

/** An address for an app that is yet to be started. */
export async function findAppUrl(): Promise<string> {
  return `http://127.0.0.1:${await findPort()}`
}

/** Starts an app. */
export async function startKeyApp(
  { env, keys }: AppKeys,
  { issuer, url }: { readonly issuer: string; readonly url: string },
): Promise<KeyApp> {
  const oidc = {
    OIDC_ISSUER: issuer,
    OIDC_CLIENT_ID: 'app',
    OIDC_BASE_URL: url,
    OIDC_SESSION_SECRET: 'a secret of the tests without a single comma in it',
  }
  const settings = { keys, env: { ...oidc, OIDC_CLIENT_KEY: env['OIDC_CLIENT_KEY'] } }
  // What the vendors' libraries say of themselves is for nobody here
  const quiet = { NODE_OPTIONS: '--no-warnings', AWS_EC2_METADATA_DISABLED: 'true' }
  const child = fork(app, {
    env: { ...process.env, ...quiet, ...env, TEST_APP: JSON.stringify(settings) },
    execArgv: [],
  })
  const events: OidcEvent[] = []
  child.on('message', (message: { readonly event?: OidcEvent }) => {
    if (message.event) events.push(message.event)
  })
  await waitFor(child, 'listening')
  return {
    url,
    events,
    async advance(seconds) {
      child.send({ advance: seconds })
      await waitFor(child, 'advanced')
    },
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exit = once(child, 'exit')
      child.disconnect()
      const timer = setTimeout(() => child.kill('SIGKILL'), 5000)
      await exit
      clearTimeout(timer)
    },
  }
}

function waitFor(child: ChildProcess, name: 'listening' | 'advanced'): Promise<void> {
  return new Promise((resolve, reject) => {
    const ended = () => reject(new Error('the app has ended'))
    const listen = (message: object) => {
      if (!(name in message)) return
      child.off('exit', ended)
      child.off('message', listen)
      resolve()
    }
    child.once('exit', ended)
    child.on('message', listen)
  })
}
