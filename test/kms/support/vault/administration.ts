/**
 * What an administrator does with a Vault, over its API: with the emulated one and with a real one.
 *
 * @module
 */

import type { JwsAlgorithm } from '@countersign/core/keys'

type Json = Readonly<Record<string, unknown>>

/** Which requests a policy allows, or denies. */
export type VaultRules = Readonly<Record<string, readonly string[]>>

/** An administrator's hands. */
export interface VaultAdministration {
  post(path: string, body?: Json): Promise<Json>
  remove(path: string): Promise<Json>
  createKey(name: string, alg: JwsAlgorithm, mount?: string): Promise<void>
  rotate(name: string): Promise<void>
  configure(name: string, settings: Json): Promise<void>
  destroy(name: string): Promise<void>
  writePolicy(name: string, rules: VaultRules): Promise<void>
  createToken(policy: string, settings?: Json): Promise<string>
  /** Lets an AppRole log in. */
  createAppRole(
    name: string,
    settings: Json,
  ): Promise<{ readonly roleId: string; readonly secretId: string }>
}

const types: Readonly<Record<string, string>> = {
  ES256: 'ecdsa-p256',
  ES384: 'ecdsa-p384',
  ES512: 'ecdsa-p521',
  EdDSA: 'ed25519',
  Ed25519: 'ed25519',
}

/** Creates them of a Vault and a token that may do all. */
export function administerVault(
  address: string,
  token: string,
  namespace?: string,
): VaultAdministration {
  async function ask(method: string, path: string, body?: Json): Promise<Json> {
    const response = await fetch(`${address}/v1/${path}`, {
      method,
      headers: {
        'x-vault-token': token,
        ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return text ? JSON.parse(text) : {}
  }
  const post = (path: string, body: Json = {}) => ask('POST', path, body)

  return {
    post,
    remove: (path) => ask('DELETE', path),
    async createKey(name, alg, mount = 'transit') {
      await post(`${mount}/keys/${name}`, { type: types[alg] ?? 'rsa-2048' })
    },
    async rotate(name) {
      await post(`transit/keys/${name}/rotate`)
    },
    async configure(name, settings) {
      await post(`transit/keys/${name}/config`, settings)
    },
    async destroy(name) {
      await post(`transit/keys/${name}/config`, { deletion_allowed: true })
      await ask('DELETE', `transit/keys/${name}`)
    },
    async writePolicy(name, rules) {
      const path = Object.fromEntries(
        Object.entries(rules).map(([key, capabilities]) => [key, { capabilities }]),
      )
      await post(`sys/policies/acl/${name}`, { policy: JSON.stringify({ path }) })
    },
    async createToken(policy, settings = {}) {
      const answer = await post('auth/token/create', { policies: [policy], ...settings })
      return readText(answer, 'auth', 'client_token')
    },
    async createAppRole(name, settings) {
      await post(`auth/approle/role/${name}`, settings)
      const role = await ask('GET', `auth/approle/role/${name}/role-id`)
      const secret = await post(`auth/approle/role/${name}/secret-id`)
      return {
        roleId: readText(role, 'data', 'role_id'),
        secretId: readText(secret, 'data', 'secret_id'),
      }
    },
  }
}

function readText(answer: Json, ...path: readonly string[]): string {
  let value: unknown = answer
  for (const name of path) {
    value = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
  }
  if (typeof value !== 'string') throw new TypeError(`there is no ${path.join('.')}`)
  return value
}
