/**
 * Tokens, policies and logins of an emulated Vault.
 *
 * @see https://developer.hashicorp.com/vault/docs/concepts/tokens
 *
 * @module
 */

import { randomUUID } from 'node:crypto'
import { type Answer, type Json, refuse } from './transit.ts'

interface Token {
  readonly policies: readonly string[]
  readonly ttl: number
  readonly renewable: boolean
  /** Milliseconds of `performance.now()`; infinite of the root token. */
  expiresAt: number
}

interface Role {
  readonly id: string
  readonly secrets: Set<string>
  readonly policies: readonly string[]
  readonly ttl: number
  readonly renewable: boolean
}

type Rules = ReadonlyMap<string, readonly string[]>

/** Who may do what in one namespace. */
export interface Tokens {
  readonly rootToken: string
  readonly tokens: Map<string, Token>
  /** How many logins and renewals there were that worked. */
  readonly counts: { logins: number; renewals: number }
  /** The service accounts' tokens that Kubernetes would vouch for. */
  readonly serviceAccounts: Set<string>
  /** Answers what needs no token; `undefined` when that is none of it. */
  handleLogin(path: string, body: Json): Answer | undefined
  /** Why a request is refused; `undefined` when it is not. */
  check(token: string | undefined, method: string, path: string): Answer | undefined
  handle(method: string, path: string, body: Json, token: string): Answer | undefined
}

/** What every token may do. */
const defaultRules: Rules = new Map([
  ['auth/token/lookup-self', ['read']],
  ['auth/token/renew-self', ['update']],
])

const capabilities: Readonly<Record<string, string>> = {
  GET: 'read',
  POST: 'update',
  PUT: 'update',
  DELETE: 'delete',
}

/** Creates the tokens of one namespace, the root's among them. */
export function createTokens(rootToken: string): Tokens {
  const tokens = new Map<string, Token>()
  const policies = new Map<string, Rules>([['default', defaultRules]])
  const roles = new Map<string, Role>()
  const kubernetesRoles = new Map<string, Omit<Role, 'id' | 'secrets'>>()
  const authMounts = new Map<string, string>()
  const serviceAccounts = new Set<string>()
  const counts = { logins: 0, renewals: 0 }
  const forever = Number.POSITIVE_INFINITY
  tokens.set(rootToken, { policies: ['root'], ttl: 0, renewable: false, expiresAt: forever })

  function find(text: string | undefined): Token | undefined {
    const token = tokens.get(text ?? '')
    return token && token.expiresAt > performance.now() ? token : undefined
  }

  function issue(own: Omit<Token, 'expiresAt'>): Answer {
    const text = `s.${randomUUID().replaceAll('-', '')}`
    const token = { ...own, expiresAt: own.ttl > 0 ? performance.now() + own.ttl * 1000 : forever }
    tokens.set(text, token)
    return describe(text, token)
  }

  function logIn(role: Omit<Role, 'id' | 'secrets'>): Answer {
    counts.logins++
    return issue({
      policies: ['default', ...role.policies],
      ttl: role.ttl,
      renewable: role.renewable,
    })
  }

  function readRole(body: Json): Omit<Role, 'id' | 'secrets'> {
    return {
      policies: readList(body['token_policies']),
      ttl: Number(body['token_ttl'] ?? 0),
      renewable: body['token_type'] !== 'batch',
    }
  }

  return {
    rootToken,
    tokens,
    counts,
    serviceAccounts,
    handleLogin(path, body) {
      const [, mount = ''] = /^auth\/([\w/-]+)\/login$/.exec(path) ?? []
      const type = authMounts.get(mount)
      if (type === 'approle') {
        const role = [...roles.values()].find(({ id }) => id === body['role_id'])
        const isKnown = role?.secrets.has(String(body['secret_id']))
        return role && isKnown ? logIn(role) : refuse(400, 'invalid role or secret ID')
      }
      if (type === 'kubernetes') {
        const role = kubernetesRoles.get(String(body['role']))
        if (!role) return refuse(400, `invalid role name "${body['role']}"`)
        const isKnown = serviceAccounts.has(String(body['jwt']))
        return isKnown ? logIn(role) : refuse(403, 'permission denied')
      }
      return mount
        ? refuse(404, `no handler for route "${path}". route entry not found.`)
        : undefined
    },
    check(text, method, path) {
      const token = find(text)
      if (!token) return refuse(403, 'permission denied')
      if (token.policies.includes('root')) return undefined
      const rules = token.policies.flatMap((name) => [...(policies.get(name) ?? [])])
      const exact = rules.filter(([pattern]) => pattern === path)
      const globs = rules.filter(([pattern]) => matches(pattern, path))
      const granted = (exact.length > 0 ? exact : globs).flatMap(([, list]) => list)
      const isGranted = granted.includes(capabilities[method] ?? '') && !granted.includes('deny')
      return isGranted ? undefined : refuse(403, '1 error occurred:\n\t* permission denied\n\n')
    },
    handle(method, path, body, text) {
      const token = tokens.get(text)
      if (path === 'auth/token/lookup-self') {
        return { status: 200, body: { data: { policies: token?.policies } } }
      }
      if (path === 'auth/token/renew-self' && token) {
        if (!token.renewable) return refuse(400, 'lease is not renewable')
        counts.renewals++
        token.expiresAt = performance.now() + token.ttl * 1000
        return describe(text, token)
      }
      if (path === 'auth/token/create') {
        const named = readList(body['policies'])
        const own = { policies: ['default', ...named], ttl: Number(body['ttl'] ?? 0) }
        return issue({ ...own, renewable: body['renewable'] !== false })
      }
      if (path === 'auth/token/revoke') {
        tokens.delete(String(body['token']))
        return { status: 204 }
      }
      const [, policy] = /^sys\/policies\/acl\/([\w-]+)$/.exec(path) ?? []
      if (policy !== undefined) {
        policies.set(policy, readRules(String(body['policy'])))
        return { status: 204 }
      }
      const [, authMount] = /^sys\/auth\/([\w/-]+)$/.exec(path) ?? []
      if (authMount !== undefined) {
        authMounts.set(authMount, String(body['type']))
        return { status: 204 }
      }
      const [, kind, name = '', verb] =
        /^auth\/(approle|kubernetes)\/role\/([\w-]+)(?:\/(role-id|secret-id))?$/.exec(path) ?? []
      if (kind === 'kubernetes') {
        kubernetesRoles.set(name, readRole(body))
        return { status: 204 }
      }
      const role = roles.get(name)
      if (kind === undefined) return undefined
      if (verb === undefined && method === 'POST') {
        const secrets = role?.secrets ?? new Set<string>()
        roles.set(name, { ...readRole(body), id: role?.id ?? randomUUID(), secrets })
        return { status: 204 }
      }
      if (!role) return { status: 404, body: { errors: [] } }
      if (verb === 'role-id') return { status: 200, body: { data: { role_id: role.id } } }
      const secret = randomUUID()
      role.secrets.add(secret)
      return { status: 200, body: { data: { secret_id: secret } } }
    },
  }
}

function describe(text: string, { policies, ttl, renewable }: Token): Answer {
  const auth = {
    client_token: text,
    accessor: randomUUID(),
    policies,
    lease_duration: ttl,
    renewable,
    token_type: 'service',
  }
  return { status: 200, body: { lease_id: '', data: null, auth } }
}

function matches(pattern: string, path: string): boolean {
  return pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : pattern === path
}

function readList(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : []
}

function readRules(text: string): Rules {
  const { path }: { path: Record<string, { capabilities: string[] }> } = JSON.parse(text)
  return new Map(Object.entries(path).map(([name, rule]) => [name, rule.capabilities]))
}
