/**
 * `countersign jwks`: the public keys of an app, wherever its private ones are.
 *
 * @module
 */

import { createPublicKey, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { ConfigurationError, type Options, optionsFromEnv, type Preset } from '@countersign/core'
import { type Inspection, inspect } from '@countersign/core/inspection'
import type { PublicJwk } from '@countersign/core/keys'
import { Command } from 'commander'
import { type Environment, readEnvironment, readGlobalOptions } from './environment.ts'
import { CommandError } from './failure.ts'
import { buildFileUri } from './key-set.ts'
import { escapeControls } from './paint.ts'
import { findProvider } from './provider.ts'
import type { Surroundings } from './surroundings.ts'
import { clean } from './wrap.ts'

/** Creates the command. */
export function createJwksCommand(surroundings: Surroundings): Command {
  return new Command('jwks')
    .description('Print the public JWK Set of a key, a key store included.')
    .argument('[key]', 'where the key is (a path, file:, env:, awskms: …); default OIDC_CLIENT_KEY')
    .option('--pem', 'print each key as PEM (SPKI)', false)
    .action(async (key: string | undefined, { pem }: { pem: boolean }, command: Command) => {
      const { envFile, json } = readGlobalOptions(command)
      const env = readEnvironment(surroundings, envFile)
      const keys = await readPublicKeys(
        key === undefined ? env : withKey(env, key, surroundings.cwd),
        key === undefined ? 'OIDC_CLIENT_KEY' : 'the key that is named',
      )
      const text = pem ? printPem(keys, json) : JSON.stringify({ keys }, undefined, 2)
      surroundings.stdout.write(`${escapeControls(text).trimEnd()}\n`)
    })
}

/** The variables that say something of keys. The others need not be there yet. */
const keyVariables = ['OIDC_CLIENT_KEY', 'OIDC_CLIENT_ALG', 'OIDC_CLIENT_ENCRYPTION_KEY']

function withKey(env: Environment, key: string, cwd: string): Environment {
  const { OIDC_PROVIDER, OIDC_CLIENT_ALG } = env
  const path = resolve(cwd, key)
  return {
    OIDC_PROVIDER,
    OIDC_CLIENT_ALG,
    OIDC_CLIENT_KEY: existsSync(path) ? buildFileUri(path) : key,
  }
}

async function readPublicKeys(env: Environment, keyName: string): Promise<readonly PublicJwk[]> {
  if (!env['OIDC_CLIENT_KEY']?.trim() && !env['OIDC_CLIENT_ENCRYPTION_KEY']?.trim()) {
    throw new CommandError(
      'there is no key: name one (countersign jwks ./key.pem), or set OIDC_CLIENT_KEY',
    )
  }
  const inspection = inspectKeys(env, keyName)
  try {
    return (await inspection.publishedKeys()).map(pickPublic)
  } finally {
    await inspection.close()
  }
}

/** Calls what is wrong with a key by the name under which it was given. */
function inspectKeys(env: Environment, keyName: string): Inspection {
  try {
    return inspect(readKeyOptions(env))
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    const isOfKey = (path: string) => path === 'OIDC_CLIENT_KEY' || /^clientKey\b/.test(path)
    throw new ConfigurationError(
      error.issues.map(({ path, message }) => ({ path: isOfKey(path) ? keyName : path, message })),
    )
  }
}

/**
 * The options of an app that has these keys, and nothing else to say: what a provider demands besides is
 * not asked for.
 */
function readKeyOptions(env: Environment): Options {
  const preset = findProvider(undefined, env)
  const hasKey = Boolean(env['OIDC_CLIENT_KEY']?.trim())
  const options = optionsFromEnv({
    OIDC_ISSUER: 'https://localhost',
    OIDC_CLIENT_ID: 'jwks',
    OIDC_BASE_URL: 'https://localhost',
    OIDC_SESSION_SECRET: randomBytes(32).toString('hex'),
    // Keys for decryption alone go with any other way of authentication
    ...(!hasKey && { OIDC_CLIENT_SECRET: 'none' }),
    ...Object.fromEntries(keyVariables.map((name) => [name, env[name]])),
  })
  return preset && hasKey ? { ...options, provider: pickKeyDemands(preset) } : options
}

/** What a provider demands of keys. */
function pickKeyDemands({
  authorization: _authorization,
  isIdTokenEncrypted: _isIdTokenEncrypted,
  assertion,
  ...others
}: Preset): Preset {
  if (!assertion) return others
  const { certificate: _certificate, issuer: _issuer, ...demands } = assertion
  return { ...others, assertion: demands }
}

const publicMembers = ['kty', 'kid', 'use', 'alg', 'crv', 'x', 'y', 'n', 'e'] as const

/** Whatever a key source hands out, this is all that is printed. */
function pickPublic(jwk: PublicJwk): PublicJwk {
  const entries = publicMembers.flatMap((name) =>
    jwk[name] === undefined ? [] : [[name, jwk[name]] as const],
  )
  return { ...(Object.fromEntries(entries) as Partial<PublicJwk>), kty: jwk.kty }
}

function printPem(keys: readonly PublicJwk[], isJson: boolean): string {
  const all = keys.map((jwk) => ({ kid: jwk.kid, use: jwk.use, alg: jwk.alg, pem: buildPem(jwk) }))
  if (isJson) return JSON.stringify({ keys: all }, undefined, 2)
  if (all.length === 1) return all[0]?.pem ?? ''
  // Text before a PEM is explanatory (RFC 7468, 2)
  return all
    .map(({ kid, use, alg, pem }) => `${clean([kid, use, alg].filter(Boolean).join(', '))}\n${pem}`)
    .join('\n')
}

/** The public key as PEM (SubjectPublicKeyInfo). */
export function buildPem(jwk: PublicJwk): string {
  const key = createPublicKey({ key: { ...jwk }, format: 'jwk' })
  return key.export({ type: 'spki', format: 'pem' }).toString()
}
