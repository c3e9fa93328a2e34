/**
 * The key stores that a key URI can name, one row per scheme: how the URI of each is written. How each
 * is talked to is in a package of its own, which is only loaded where such a URI is used.
 *
 * @see RFC 7512, 2.3
 *
 * @module
 */

import { findSimilar } from '../base/compare.ts'
import { buildFault } from './key-material.ts'

/** A parameter of a key store's own. */
export interface KeyStoreParameter {
  readonly pattern: RegExp
  /** What it must be, in words. */
  readonly form: string
  readonly isRequired?: boolean
}

/** How the URIs of one key store are written. */
export interface KeyStoreScheme {
  /** What the store is called. */
  readonly store: string
  /** Its module in the package of key stores. */
  readonly module: 'aws' | 'gcp' | 'azure' | 'vault' | 'pkcs11'
  readonly example: string
  /** The parameters that it has besides those of every URI. */
  readonly parameters: Readonly<Record<string, KeyStoreParameter>>
  /** Whether a place is one key for ever, and not a name that is given to another one or to a new version. */
  isOneKey(place: {
    readonly parts: Readonly<Record<string, string>>
    readonly parameters: Readonly<Record<string, string>>
  }): boolean
  /** Reads what is between the scheme and the parameters; `undefined` when it is not a key's place. */
  readPlace(text: string): Readonly<Record<string, string>> | undefined
}

const matching =
  (pattern: RegExp): KeyStoreScheme['readPlace'] =>
  (text) =>
    readGroups(pattern.exec(text)?.groups)

const hasVersion: KeyStoreScheme['isOneKey'] = ({ parts, parameters }) =>
  'version' in parts || 'version' in parameters

const wait = { pattern: /^\d{1,9}$/, form: 'a whole number of seconds' }
const awsKey =
  /(?:alias\/[\w/-]+|(?:mrk-)?[\da-f-]{32,36}|arn:[\w-]+:kms:[\w-]+:\d+:(?:key|alias)\/[\w/-]+)/
    .source
const mount = /^[\w-][\w.-]*(?:\/[\w-][\w.-]*)*$/

/** The table. */
export const keyStores: Readonly<Record<string, KeyStoreScheme>> = {
  awskms: {
    store: 'AWS KMS',
    module: 'aws',
    example: 'awskms:///alias/login',
    isOneKey: ({ parts: { keyId = '' } }) => !/alias\/|,/.test(keyId),
    parameters: { wait },
    readPlace: matching(new RegExp(`^///(?<keyId>${awsKey}(?:,${awsKey})*)$`)),
  },
  gcpkms: {
    store: 'Google Cloud KMS',
    module: 'gcp',
    example: 'gcpkms://projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY',
    isOneKey: hasVersion,
    parameters: { wait },
    readPlace: matching(
      /^\/\/\/?(?<name>projects\/[\w.:-]+\/locations\/[\w-]+\/keyRings\/[\w-]+\/cryptoKeys\/[\w-]+)(?:\/(?:cryptoKeyVersions|versions)\/(?<version>\d+))?$/,
    ),
  },
  azurekms: {
    store: 'Azure Key Vault',
    module: 'azure',
    example: 'azurekms://VAULT.vault.azure.net/KEY',
    isOneKey: hasVersion,
    parameters: { wait },
    readPlace: matching(
      /^\/\/(?<vault>[a-z\d-]+(?:\.[a-z\d-]+)*(?::\d+)?)\/(?:keys\/)?(?<name>[\w-]+)(?:\/(?<version>[\da-f]{32}))?$/i,
    ),
  },
  hashivault: {
    store: 'Vault Transit',
    module: 'vault',
    example: 'hashivault://KEY?mount=transit',
    isOneKey: hasVersion,
    parameters: {
      mount: { pattern: mount, form: 'the path of a mount, such as "transit"' },
      version: { pattern: /^[1-9]\d{0,8}$/, form: 'the number of a version' },
      wait,
    },
    readPlace: matching(/^\/\/(?<key>\w(?:[\w.-]*\w)?)$/),
  },
  pkcs11: {
    store: 'PKCS#11',
    module: 'pkcs11',
    example: 'pkcs11:token=TOKEN;object=KEY?module-path=/path/module.so&pin-source=file:/path/pin',
    // Its keys are told apart by dates, or by their ids
    isOneKey: () => true,
    parameters: {
      'module-path': {
        pattern: /./,
        form: 'the path of the PKCS#11 module of the token: module-path=/path/module.so',
        isRequired: true,
      },
      'pin-source': {
        pattern: /^(?:file:|env:|\/)./,
        form: 'the place of the PIN: pin-source=file:/path or pin-source=env:NAME',
      },
    },
    readPlace: readPkcs11Attributes,
  },
}

/** Of an absent group there is no part. */
function readGroups(
  groups: Readonly<Record<string, string | undefined>> | undefined,
): Readonly<Record<string, string>> | undefined {
  if (!groups) return undefined
  const parts = Object.entries(groups).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  )
  return Object.fromEntries(parts)
}

/** The attributes of RFC 7512, 2.3 that find a token and a key on it. */
const pkcs11Attributes = [
  'token',
  'object',
  'id',
  'serial',
  'manufacturer',
  'model',
  'slot-id',
  'type',
]

/** Reads the attributes of a PKCS#11 URI; their values stay percent-encoded, since "id" is of octets. */
function readPkcs11Attributes(text: string): Readonly<Record<string, string>> | undefined {
  const parts = text.split(';').map((part) => /^([a-z][a-z-]*)=([^=\s]+)$/.exec(part))
  const attributes = parts.flatMap((part) =>
    part ? [[part[1] ?? '', part[2] ?? ''] as const] : [],
  )
  if (attributes.length < parts.length) return undefined
  const names = attributes.map(([name]) => name)
  const unknown = names.find((name) => !pkcs11Attributes.includes(name))
  if (unknown !== undefined) {
    const similar = findSimilar(unknown, pkcs11Attributes)
    const hint = similar ? `did you mean "${similar}"?` : `there are ${pkcs11Attributes.join(', ')}`
    throw buildFault(`"pkcs11:" has an unknown attribute: ${hint}`)
  }
  if (new Set(names).size < names.length) throw buildFault('"pkcs11:" has an attribute twice')
  if (!names.includes('object') && !names.includes('id')) {
    throw buildFault('"pkcs11:" needs the key\'s "object" (its label) or "id"')
  }
  return Object.fromEntries(attributes)
}
