/**
 * A local OpenID Provider that does not take its time from the test.
 *
 * @module
 */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Provider, ProviderOptions } from '@countersign/testing'

/** The part of a provider that can be reached from outside. */
export interface ProviderProcess
  extends Pick<Provider, 'issuer' | 'close' | 'addClient' | 'signOut'> {
  readTokenRequests(): Promise<Provider['tokenRequests']>
}

/** An answer to a message. */
interface Answer {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
}

/** Starts one that signs people in without a page: whoever the `login_hint` names. */
export async function startProviderProcess(options: ProviderOptions): Promise<ProviderProcess> {
  const child = fork(join(import.meta.dirname, 'provider.js'), {
    env: { PATH: process.env['PATH'], PROVIDER: JSON.stringify(options) },
    // Without the conditions of the test: it runs what is built
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const ended = once(child, 'exit')
  const ready = once(child, 'message')
  const first = await Promise.race([ready, ended.then(() => undefined)])
  if (!first) throw new Error('the provider did not start')
  const [{ issuer }] = first as [{ issuer: string }]
  let last = 0

  async function tell(method: keyof Provider, args: readonly unknown[]): Promise<unknown> {
    const id = ++last
    const answer = waitForAnswer(child, id)
    child.send({ id, method, args })
    const { value, error } = await answer
    if (error !== undefined) throw new Error(error)
    return value
  }

  return {
    issuer,
    async addClient(client) {
      await tell('addClient', [client])
    },
    async signOut(sub, how) {
      return (await tell('signOut', [sub, how])) as Awaited<ReturnType<Provider['signOut']>>
    },
    async readTokenRequests() {
      return (await tell('tokenRequests', [])) as Provider['tokenRequests']
    },
    async close() {
      child.disconnect()
      await ended
    },
  }
}

function waitForAnswer(child: ChildProcess, id: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const fail = () => reject(new Error('the provider has ended'))
    const take = (answer: Answer) => {
      if (answer.id !== id) return
      child.off('message', take).off('exit', fail)
      resolve(answer)
    }
    child.on('message', take).on('exit', fail)
  })
}
