/**
 * A Vault of the tests' own, on a loopback port: as the documents and the sources of OpenBao say that
 * the real one answers.
 *
 * @module
 */

import { randomUUID } from 'node:crypto'
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import type { StoreFault } from '../../../contract/key-source.ts'
import { createTokens, type Tokens } from './tokens.ts'
import { type Answer, createTransit, type Json, refuse, type Transit } from './transit.ts'

/** A request, as it arrived. */
export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: Json
}

/** A running emulator. */
export interface VaultEmulator {
  readonly address: string
  readonly rootToken: string
  readonly tokens: Tokens
  readonly requests: readonly SeenRequest[]
  misbehave(fault: StoreFault, times: number): void
  recover(): void
  /** Answers the requests to some paths in another way, until it recovers. */
  answer(path: RegExp, listener: RequestListener): void
  close(): Promise<void>
}

interface Namespace {
  readonly tokens: Tokens
  readonly engines: Map<string, Transit>
}

/** Starts one without mounts. */
export async function startVaultEmulator(): Promise<VaultEmulator> {
  const rootToken = `s.${randomUUID()}`
  const create = (): Namespace => ({ tokens: createTokens(rootToken), engines: new Map() })
  const root = create()
  const namespaces = new Map<string, Namespace>([['', root]])
  const requests: SeenRequest[] = []
  let faults: { readonly fault: StoreFault; left: number } | undefined
  let special: { readonly path: RegExp; readonly listener: RequestListener } | undefined

  function route(seen: SeenRequest): Answer {
    const { path, body, headers } = seen
    const named = String(headers['x-vault-namespace'] ?? '').replace(/\/$/, '')
    const namespace = namespaces.get(named)
    if (!namespace) return refuse(404, 'namespace not found')
    const { tokens, engines } = namespace
    const method = seen.method === 'PUT' ? 'POST' : seen.method
    const login = tokens.handleLogin(path, body)
    if (login) return login
    const token = String(headers['x-vault-token'] ?? '')
    const refused = tokens.check(token, method, path)
    if (refused) return refused
    const answer = tokens.handle(method, path, body, token)
    if (answer) return answer
    const [, kind, name = ''] = /^sys\/(mounts|namespaces)\/([\w/-]+)$/.exec(path) ?? []
    if (kind === 'mounts') engines.set(name, createTransit())
    if (kind === 'namespaces') namespaces.set(name, create())
    if (kind !== undefined) return { status: 204 }
    const mount = [...engines.keys()].find((candidate) => path.startsWith(`${candidate}/`))
    const engine = engines.get(mount ?? '')
    return engine && mount !== undefined
      ? engine.handle(method, path.slice(mount.length + 1), body)
      : refuse(404, `no handler for route "${path}". route entry not found.`)
  }

  function takeFault(): StoreFault | undefined {
    if (!faults || faults.left <= 0) return undefined
    faults.left--
    return faults.fault
  }

  async function listen(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const seen = await readRequest(request)
    requests.push(seen)
    if (special?.path.test(seen.path)) return special.listener(request, response)
    const fault = takeFault()
    if (fault === 'hanging') return
    if (fault === 'throttled') {
      response.setHeader('retry-after', '0')
      const text = `request path "${seen.path}": rate limit quota exceeded`
      return send(response, refuse(429, text))
    }
    send(response, fault ? refuse(503, 'Vault is sealed') : route(seen))
  }

  const server = createServer((request, response) => {
    listen(request, response).catch((error: unknown) => response.destroy(Error(String(error))))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    address: `http://127.0.0.1:${port}`,
    rootToken,
    tokens: root.tokens,
    requests,
    misbehave(fault, times) {
      faults = { fault, left: times }
    },
    recover() {
      faults = undefined
      special = undefined
    },
    answer(path, listener) {
      special = { path, listener }
    },
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

async function readRequest(request: IncomingMessage): Promise<SeenRequest> {
  const { method = 'GET', url = '', headers } = request
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(Buffer.from(chunk))
  const text = Buffer.concat(chunks).toString()
  const path = decodeURI(url).replace(/^\/v1\//, '')
  return { method, path, headers, body: text ? JSON.parse(text) : {} }
}

function send(response: ServerResponse, { status, body }: Answer): void {
  response.statusCode = status
  response.setHeader('cache-control', 'no-store')
  response.setHeader('content-type', 'application/json')
  response.end(body && JSON.stringify(body))
}
