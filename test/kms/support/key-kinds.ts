/**
 * The kinds of keys that an app can sign with, each in a place of the test's own, and how an app in
 * another process is told of them.
 *
 * @module
 */

import { createPrivateKey, generateKeyPairSync, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLocalSigner, type KeySource, type PublicJwk } from '@countersign/core/keys'
import { awsKms } from '@countersign/kms/aws'
import { vaultTransit } from '@countersign/kms/vault'
import { createTestClient, rotateNames, startTestServer, tester } from './aws/test-key-store.ts'
import { startKeyVault } from './azure/key-vault.ts'
import { openKey } from './azure/open.ts'
import { generateCertificate } from './certificate.ts'
import { startGoogleKms } from './gcp/test-store.ts'
import { pin, startSoftHsm } from './pkcs11/softhsm.ts'
import { administerVault } from './vault/administration.ts'
import { startVaultEmulator } from './vault/emulator.ts'

/** A key, and what is said about it. */
export interface AppKey {
  readonly name: string
  /** Not used for signing before. NumericDate. */
  readonly notBefore?: number | undefined
  /** Seconds that a new version waits before it signs. */
  readonly wait?: number | undefined
}

/** What an app in another process is given. */
export interface AppKeys {
  readonly env: Readonly<Record<string, string>>
  /** What no environment can say. */
  readonly keys?: object
}

/** A place with keys. */
export interface KeyPlace {
  /** Makes a key for ES256, and returns its name and its public half. */
  createKey(): Promise<{ readonly name: string; readonly publicJwk: PublicJwk & { kid: string } }>
  /** Makes a new version of a key, where there are such. */
  rotate?(name: string): Promise<void>
  /** Stops answering, or answers again, where the place is a server. */
  setAway?(isAway: boolean): void
  describe(keys: readonly AppKey[]): AppKeys
  close(): Promise<void>
}

/** A kind of key. */
export interface KeyKind {
  readonly name: string
  start(): Promise<KeyPlace>
}

/** The kinds. */
export const keyKinds: readonly KeyKind[] = [
  { name: 'file', start: startFiles },
  { name: 'AWS KMS', start: startAws },
  { name: 'Google Cloud KMS', start: startGoogle },
  { name: 'Azure Key Vault', start: startAzure },
  { name: 'Vault Transit', start: startVault },
  { name: 'PKCS#11', start: startPkcs11 },
]

function generatePem(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

async function readPublicJwk(source: KeySource): Promise<PublicJwk & { kid: string }> {
  const [key] = await source.keys()
  await source.close?.()
  if (!key) throw new TypeError('there is no key')
  return { ...key.signer.publicJwk, kid: key.signer.kid }
}

/** Key URIs in a text, as the variable has them. */
function joinUris(keys: readonly AppKey[], write: (key: AppKey) => string): string {
  return keys
    .map((key) => {
      const parameters = { nbf: key.notBefore, wait: key.wait }
      const query = Object.entries(parameters).flatMap(([name, value]) =>
        value === undefined ? [] : [`${name}=${value}`],
      )
      const uri = write(key)
      return query.length === 0 ? uri : `${uri}${uri.includes('?') ? '&' : '?'}${query.join('&')}`
    })
    .join('\n')
}

async function startFiles(): Promise<KeyPlace> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-keys-'))
  return {
    async createKey() {
      const pem = generatePem()
      const name = join(folder, `${randomUUID()}.pem`)
      writeFileSync(name, pem, { mode: 0o600 })
      return { name, publicJwk: readPemPublicJwk(pem) }
    },
    describe: (keys) => ({
      env: { OIDC_CLIENT_KEY: joinUris(keys, ({ name }) => `file:${name}`) },
    }),
    async close() {
      rmSync(folder, { recursive: true })
    },
  }
}

function readPemPublicJwk(pem: string): PublicJwk & { kid: string } {
  const { publicJwk, kid } = createLocalSigner({ key: createPrivateKey(pem), alg: 'ES256' })
  return { ...publicJwk, kid }
}

async function startAws(): Promise<KeyPlace> {
  const server = await startTestServer()
  const client = createTestClient(server)
  /** A key whose versions wait has a second name, for the next one. */
  const listNames = (name: string) => [name, `${name}-next`]
  return {
    async createKey() {
      const name = `alias/${randomUUID()}`
      server.keys.setAlias(name, server.keys.createKey('ECC_NIST_P256'))
      return { name, publicJwk: await readPublicJwk(awsKms({ keyId: name, client })) }
    },
    rotate: async (name) => rotateNames(server.keys, listNames(name)),
    setAway: (isAway) => setAway(server, isAway),
    describe: (keys) => ({
      env: {
        OIDC_CLIENT_KEY: joinUris(keys, ({ name, wait }) =>
          wait === undefined ? `awskms:///${name}` : `awskms:///${listNames(name)}`,
        ),
        AWS_REGION: server.region,
        AWS_ENDPOINT_URL_KMS: server.url,
        AWS_ACCESS_KEY_ID: tester.accessKeyId,
        AWS_SECRET_ACCESS_KEY: tester.secretAccessKey,
      },
    }),
    async close() {
      client.destroy()
      await server.close()
    },
  }
}

function setAway(
  store: { misbehave(fault: 'hanging', times: number): void; recover(): void },
  isAway: boolean,
): void {
  if (isAway) store.misbehave('hanging', Number.POSITIVE_INFINITY)
  else store.recover()
}

async function startGoogle(): Promise<KeyPlace> {
  const store = await startGoogleKms('REST')
  const { port, token } = store
  return {
    async createKey() {
      const name = await store.createKey('ES256')
      return { name, publicJwk: await readPublicJwk(store.open(name)) }
    },
    rotate: async (name) => store.rotate?.(name),
    setAway: (isAway) => setAway(store.service, isAway),
    describe: (keys) => {
      const entries = keys.map((key) => ({ ...key, name: store.buildName(key.name) }))
      const env = { OIDC_CLIENT_KEY: joinUris(entries, ({ name }) => `gcpkms://${name}`) }
      return { env, keys: { store: 'gcp', entries, port, token } }
    },
    close: store.close,
  }
}

async function startAzure(): Promise<KeyPlace> {
  const certificate = generateCertificate()
  const vault = await startKeyVault(certificate)
  const { url: vaultUrl, host, token } = vault
  return {
    async createKey() {
      const name = `key-${randomUUID()}`
      vault.createVersion(name, 'P-256')
      return { name, publicJwk: await readPublicJwk(openKey(vault, certificate, { name })) }
    },
    async rotate(name) {
      vault.createVersion(name, 'P-256')
    },
    setAway(isAway) {
      vault.misbehaviour = isAway ? { times: Number.POSITIVE_INFINITY } : undefined
    },
    describe: (entries) => ({
      env: { OIDC_CLIENT_KEY: joinUris(entries, ({ name }) => `azurekms://${host}/${name}`) },
      keys: { store: 'azure', entries, vaultUrl, token, ca: certificate.cert },
    }),
    close: vault.close,
  }
}

async function startVault(): Promise<KeyPlace> {
  const vault = await startVaultEmulator()
  const { address, rootToken } = vault
  const administration = administerVault(address, rootToken)
  await administration.post('sys/mounts/transit', { type: 'transit' })
  await administration.writePolicy('app', {
    'transit/keys/*': ['read'],
    'transit/sign/*': ['update'],
  })
  const token = await administration.createToken('app')
  return {
    async createKey() {
      const name = `key-${randomUUID()}`
      await administration.createKey(name, 'ES256')
      const source = vaultTransit({ key: name, address, auth: { token } })
      return { name, publicJwk: await readPublicJwk(source) }
    },
    rotate: administration.rotate,
    setAway: (isAway) => setAway(vault, isAway),
    describe: (keys) => ({
      env: {
        OIDC_CLIENT_KEY: joinUris(keys, ({ name }) => `hashivault://${name}`),
        VAULT_ADDR: address,
        VAULT_TOKEN: token,
      },
    }),
    close: vault.close,
  }
}

async function startPkcs11(): Promise<KeyPlace> {
  const hsm = await startSoftHsm(['login'])
  const pinFile = join(hsm.folder, 'pin')
  writeFileSync(pinFile, `${pin}\n`, { mode: 0o600 })
  let made = 0
  return {
    async createKey() {
      made += 1
      const name = `key-${made}`
      const pem = generatePem()
      await hsm.importKey({ token: 'login', object: name, id: `0${made}`, pem })
      return { name, publicJwk: readPemPublicJwk(pem) }
    },
    describe: (keys) => ({
      env: {
        OIDC_CLIENT_KEY: joinUris(
          keys,
          ({ name }) =>
            `pkcs11:token=login;object=${name}?module-path=${hsm.modulePath}&pin-source=file:${pinFile}`,
        ),
        SOFTHSM2_CONF: process.env['SOFTHSM2_CONF'] ?? '',
      },
    }),
    async close() {
      hsm.close()
    },
  }
}
