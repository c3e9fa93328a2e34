/**
 * An emulated Azure Key Vault: https on 127.0.0.1, the challenge that asks for a token, keys with
 * versions, and the errors that the real one answers with.
 *
 * @see https://learn.microsoft.com/rest/api/keyvault/keys
 * @see https://learn.microsoft.com/azure/key-vault/general/authentication-requests-and-responses
 *
 * @module
 */

import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Certificate } from '../certificate.ts'
import {
  describeAttributes,
  describeVersion,
  generateVersion,
  signWithVersion,
  VaultError,
  type VaultKeyType,
  type VaultKeyVersion,
} from './vault-keys.ts'

/** What the vault answers instead of what it should: a status with these headers, or nothing at all. */
export interface Misbehaviour {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** How the path of the requests ends that it is for. Default: all. */
  readonly path?: string
  times: number
}

/** A request that arrived, as far as tests ask. */
export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly hasToken: boolean
}

/** The vault. */
export interface EmulatedKeyVault {
  readonly url: string
  readonly host: string
  /** The token that it accepts. */
  readonly token: string
  readonly requests: SeenRequest[]
  readonly keys: Map<string, VaultKeyVersion[]>
  /** Keys that the caller has no permission for, with the code that says why. */
  readonly denied: Map<string, string>
  misbehaviour: Misbehaviour | undefined
  /** Says that another version has signed. */
  lies: boolean
  createVersion(name: string, type: VaultKeyType): VaultKeyVersion
  close(): Promise<void>
}

/** Versions of the API that a client may ask for. */
const apiVersions = ['7.4', '7.5', '7.6', '2025-07-01']
const pageSize = 25

/** Starts a vault. */
export async function startKeyVault(certificate: Certificate): Promise<EmulatedKeyVault> {
  const keys = new Map<string, VaultKeyVersion[]>()
  const server = createServer({ ...certificate }, (request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(new Error(`${error}`)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address: AddressInfo | string | null = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const host = `127.0.0.1:${port}`
  const vault: EmulatedKeyVault = {
    url: `https://${host}`,
    host,
    token: 'a-token-of-the-test',
    requests: [],
    keys,
    denied: new Map(),
    misbehaviour: undefined,
    lies: false,
    createVersion(name, type) {
      const versions = keys.get(name) ?? []
      const version = generateVersion(type, versions.at(-1)?.created)
      keys.set(name, [...versions, version])
      return version
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', headers } = request
    const url = new URL(request.url ?? '', vault.url)
    const hasToken = headers.authorization !== undefined
    vault.requests.push({ method, path: url.pathname, hasToken })
    const body = await text(request)
    const { misbehaviour } = vault
    if (misbehaviour && misbehaviour.times > 0 && url.pathname.endsWith(misbehaviour.path ?? '')) {
      misbehaviour.times--
      if (misbehaviour.status === undefined) return
      response.writeHead(misbehaviour.status, misbehaviour.headers).end(misbehaviour.body)
      return
    }
    try {
      checkToken(headers.authorization)
      checkApiVersion(url)
      const result = method === 'POST' ? sign(url, headers, body) : read(url, method)
      send(response, 200, result)
    } catch (error) {
      if (!(error instanceof VaultError)) throw error
      const { status, code, message, inner } = error
      const innererror = inner === undefined ? {} : { innererror: { code: inner } }
      send(response, status, { error: { code, message, ...innererror } })
    }
  }

  function send(response: ServerResponse, status: number, body: object): void {
    const challenge =
      'Bearer authorization="https://login.microsoftonline.com/0b7e0f6c-7f2b-4d3a-9b5c-111111111111", ' +
      'resource="https://vault.azure.net"'
    response.writeHead(status, {
      'content-type': 'application/json; charset=utf-8',
      'x-ms-keyvault-service-version': '1.9.2000.1',
      ...(status === 401 ? { 'www-authenticate': challenge } : {}),
    })
    response.end(JSON.stringify(body))
  }

  function checkToken(authorization: string | undefined): void {
    if (authorization === undefined) {
      const message = 'AKV10000: Request is missing a Bearer or PoP token.'
      throw new VaultError(401, 'Unauthorized', message)
    }
    if (authorization !== `Bearer ${vault.token}`) {
      throw new VaultError(
        401,
        'Unauthorized',
        '[TokenValidation] Error validating token: IDX10511',
      )
    }
  }

  function read(url: URL, method: string): object {
    const [, collection, name = '', id = '', ...rest] = url.pathname.split('/')
    if (method !== 'GET' || collection !== 'keys' || rest.length > 0) throw refuseRoute()
    checkName(name)
    if (id === 'versions') return list(name, url)
    const version = findVersion(name, id)
    const key = { kid: `${vault.url}/keys/${name}/${version.id}`, ...describeVersion(version) }
    return { key, attributes: describeAttributes(version), tags: {} }
  }

  /** In the order of the ids, which is none of time. Of a key that is not there the list is empty. */
  function list(name: string, url: URL): object {
    const skip = Number(url.searchParams.get('$skiptoken') ?? 0)
    const size = Math.min(Number(url.searchParams.get('maxresults') ?? pageSize), pageSize)
    const versions = (keys.get(name) ?? []).toSorted((a, b) => (a.id < b.id ? -1 : 1))
    const value = versions.slice(skip, skip + size).map((version) => ({
      kid: `${vault.url}/keys/${name}/${version.id}`,
      attributes: describeAttributes(version),
      tags: {},
    }))
    const next = new URL(url)
    next.searchParams.set('$skiptoken', String(skip + size))
    return { value, nextLink: skip + size < versions.length ? next.href : null }
  }

  function sign(url: URL, headers: IncomingMessage['headers'], body: string): object {
    const [, collection, name = '', id = '', operation, ...rest] = url.pathname.split('/')
    if (collection !== 'keys' || operation !== 'sign' || rest.length > 0) throw refuseRoute()
    if (!headers['content-type']?.startsWith('application/json')) {
      throw new VaultError(415, 'UnsupportedMediaType', 'The content type is not supported.')
    }
    checkName(name)
    const version = findVersion(name, id)
    const { alg, value }: { readonly alg?: unknown; readonly value?: unknown } = JSON.parse(body)
    if (typeof value !== 'string' || !/^[\w-]+$/.test(value)) {
      throw new VaultError(400, 'BadParameter', "Property 'value' is not base64url encoded.")
    }
    const signature = signWithVersion(version, alg, Buffer.from(value, 'base64url'))
    const used = vault.lies ? 'f'.repeat(32) : version.id
    return { kid: `${vault.url}/keys/${name}/${used}`, value: signature.toString('base64url') }
  }

  function findVersion(name: string, id: string): VaultKeyVersion {
    const versions = keys.get(name) ?? []
    const version = id === '' ? versions.at(-1) : versions.find((one) => one.id === id)
    if (version) return version
    const message =
      `A key with (name/id) ${name}/${id} was not found in this key vault. If you recently deleted ` +
      'this key you may be able to recover it using the correct recovery command.'
    throw new VaultError(404, 'KeyNotFound', message)
  }

  function checkName(name: string): void {
    if (!/^[\da-z-]{1,127}$/i.test(name)) {
      const message = `The request URI contains an invalid name: ${name}`
      throw new VaultError(400, 'BadParameter', message)
    }
    const inner = vault.denied.get(name)
    if (inner === undefined) return
    const message =
      'Caller is not authorized to perform action on resource. If role assignments, deny assignments ' +
      'or role definitions were changed recently, please observe propagation time.'
    throw new VaultError(403, 'Forbidden', message, inner)
  }

  return vault
}

function checkApiVersion(url: URL): void {
  const version = url.searchParams.get('api-version')
  if (version !== null && apiVersions.includes(version)) return
  const message = `The specified version (${version}) is not recognized. Consider using the latest supported version (2025-07-01).`
  throw new VaultError(400, 'BadParameter', message)
}

function refuseRoute(): VaultError {
  return new VaultError(404, 'NotFound', 'The requested resource was not found.')
}
