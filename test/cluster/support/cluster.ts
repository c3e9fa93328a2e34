/**
 * Two processes of an example behind a round-robin proxy, with a provider and a store that they share.
 *
 * @module
 */

import { generateClientKey, type TokenOptions } from '@countersign/testing'
import { expect } from 'vitest'
import { type ExampleName, findPort, startExample } from '../../support/examples.ts'
import type { ServerProcess } from '../../support/server-process.ts'
import { askWith } from './browser.ts'
import { type ProviderProcess, startProviderProcess } from './provider-process.ts'
import { startProxy } from './proxy.ts'

/** A kind of store, and the variable by which an example is told where it is. */
export interface StoreKind {
  readonly start: () => Promise<ServerProcess>
  readonly variable: 'REDIS_URL' | 'DATABASE_URL'
}

/** One of the processes. */
export interface Replica {
  /** Its own address, past the proxy. */
  readonly url: string
  /** Ends it with SIGKILL. */
  kill(): Promise<void>
  /** Starts it again. */
  restart(): Promise<void>
}

/** All of them, running. */
export interface Cluster {
  /** Where browsers reach the app. */
  readonly url: string
  readonly replicas: readonly [Replica, Replica]
  readonly provider: ProviderProcess
  readonly store: ServerProcess
  /** Resolves when both processes know the session of this `Cookie` header. */
  waitUntilReady(cookie: string): Promise<void>
  close(): Promise<void>
}

/** What a cluster is made of besides. */
export interface ClusterOptions {
  /** The End-Users that the provider knows. */
  readonly subs: readonly string[]
  readonly tokens?: TokenOptions
  /** Run in place of the example. */
  readonly program?: string
}

/** Starts a cluster. */
export async function startCluster(
  name: ExampleName,
  kind: StoreKind,
  { subs, tokens = {}, program }: ClusterOptions,
): Promise<Cluster> {
  const undo: (() => Promise<unknown>)[] = []
  async function close(): Promise<void> {
    for (const step of undo.splice(0).reverse()) await step()
  }
  try {
    const [store, provider, ports] = await Promise.all([
      kind.start(),
      startProviderProcess({ interaction: 'auto', accounts: subs.map((sub) => ({ sub })), tokens }),
      findPorts(),
    ])
    undo.push(store.close, provider.close)
    const proxy = await startProxy(ports)
    undo.push(proxy.close)
    const env = {
      [kind.variable]: store.url,
      OIDC_ISSUER: provider.issuer,
      OIDC_CLIENT_ID: name,
      OIDC_CLIENT_KEY: (await generateClientKey()).privateKeyPem,
      OIDC_BASE_URL: proxy.url,
      OIDC_SESSION_SECRET: 'a session secret for tests and nothing but tests',
    }
    const start = async (port: number) => {
      const { replica, stop } = await startReplica(name, { ...env, PORT: `${port}` }, program)
      undo.push(stop)
      return replica
    }
    const replicas = [await start(ports[0]), await start(ports[1])] as const
    await provider.addClient({
      clientId: name,
      jwksUri: `${proxy.url}/.well-known/jwks.json`,
      redirectUris: [`${proxy.url}/callback`],
      backchannelLogoutUri: `${proxy.url}/backchannel-logout`,
    })
    async function waitUntilReady(cookie: string): Promise<void> {
      for (const { url } of replicas) {
        const ask = async () => (await askWith(cookie, `${url}/api/me`)).status
        await expect.poll(ask, { timeout: 60_000 }).toBe(200)
      }
    }
    return { url: proxy.url, replicas, provider, store, waitUntilReady, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function startReplica(
  name: ExampleName,
  env: { readonly [variable: string]: string; readonly PORT: string },
  program?: string,
): Promise<{ readonly replica: Replica; readonly stop: () => Promise<unknown> }> {
  let running = await startExample(name, env, program)
  const replica = {
    url: `http://127.0.0.1:${env.PORT}`,
    async kill() {
      await running.kill()
    },
    async restart() {
      running = await startExample(name, env, program)
    },
  }
  return { replica, stop: () => running.stop() }
}

async function findPorts(): Promise<readonly [number, number]> {
  const first = await findPort()
  for (;;) {
    const second = await findPort()
    if (second !== first) return [first, second]
  }
}
