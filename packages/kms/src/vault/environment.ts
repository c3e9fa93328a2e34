/**
 * What key URIs leave to the environment: where Vault is, and how this process shows who it is.
 *
 * The names are those of Vault's own tools, or of OpenBao's: `BAO_` in the place of `VAULT_`. What is
 * named outright wins over the token that `vault login` left in the home directory.
 *
 * @see https://developer.hashicorp.com/vault/docs/commands#configure-environment-variables
 *
 * @module
 */

import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { StoreFault } from '../store/key-store.ts'
import type { VaultAuth } from './login.ts'
import { findAddressFault, findNamespaceFault } from './options.ts'

/** What the environment says. */
export interface VaultEnvironment {
  readonly address: URL
  readonly namespace: string | undefined
  readonly auth: VaultAuth
}

/** Reads the environment, or what is wrong with it: for whoever needs the key first. */
export function readVaultEnvironment(): VaultEnvironment | StoreFault {
  const address = readVariable('ADDR')
  if (address === undefined) {
    const remedy = 'set VAULT_ADDR to the address of Vault, such as https://vault.example.com:8200'
    return new StoreFault('unavailable', 'VAULT_ADDR is not set', remedy)
  }
  const namespace = readVariable('NAMESPACE')
  const fault = findAddressFault(address) ?? findNamespaceFault(namespace)
  if (fault !== undefined) return new StoreFault('unavailable', fault, fault)
  const auth = readAuth()
  return auth instanceof StoreFault ? auth : { address: new URL(address), namespace, auth }
}

function readAuth(): VaultAuth | StoreFault {
  const token = readVariable('TOKEN')
  if (token !== undefined) return { token }
  const tokenFile = readVariable('TOKEN_FILE')
  if (tokenFile !== undefined) return { tokenFile }
  const roleId = readVariable('ROLE_ID')
  const secretId = readVariable('SECRET_ID')
  if (roleId !== undefined && secretId !== undefined) return { roleId, secretId }
  if (roleId !== undefined || secretId !== undefined) {
    const remedy = 'an AppRole needs VAULT_ROLE_ID and VAULT_SECRET_ID, and one of them is not set'
    return new StoreFault('credentials', remedy, remedy)
  }
  const kubernetesRole = readVariable('K8S_ROLE')
  if (kubernetesRole !== undefined) return { kubernetesRole }
  const ownToken = join(homedir(), '.vault-token')
  if (existsSync(ownToken)) return { tokenFile: ownToken }
  const remedy =
    'set VAULT_TOKEN, VAULT_TOKEN_FILE, VAULT_ROLE_ID and VAULT_SECRET_ID, or VAULT_K8S_ROLE'
  return new StoreFault('credentials', 'there is no way to log in', remedy)
}

function readVariable(name: string): string | undefined {
  return process.env[`VAULT_${name}`] || process.env[`BAO_${name}`] || undefined
}
