/**
 * `countersign emulator`: the provider of an app's environment on this machine, as strict as its
 * documents say, for as long as it is needed.
 *
 * @module
 */

import type { Preset } from '@countersign/core'
import { type Inspection, inspect } from '@countersign/core/inspection'
import { calculateThumbprint, isLoopback, type PublicJwk } from '@countersign/core/keys'
import type { Provider, ProviderClient, Refusal } from '@countersign/testing'
import { Command } from 'commander'
import { describeAudience } from './doctor/assertion.ts'
import { createJsonReport, createTextReport, type EmulatorReport } from './emulator-report.ts'
import { readGlobalOptions, readOptions } from './environment.ts'
import { CommandError, isSystemError } from './failure.ts'
import { buildPem } from './jwks.ts'
import { describeMissingKey } from './provider.ts'
import type { Surroundings } from './surroundings.ts'

interface EmulatorOptions {
  readonly jwksUrl: boolean
}

/** Creates the command. */
export function createEmulatorCommand(surroundings: Surroundings): Command {
  return new Command('emulator')
    .description(
      'Run the provider of OIDC_PROVIDER on this machine, as strict as its documents say.',
    )
    .option('--jwks-url', "register the app's JWKS URL, and not the key itself", false)
    .action(async ({ jwksUrl }: EmulatorOptions, command: Command) => {
      const { envFile, json } = readGlobalOptions(command)
      const inspection = inspect(readOptions(surroundings, envFile))
      const report = json ? createJsonReport(surroundings) : createTextReport(surroundings)
      try {
        await runEmulator(surroundings, inspection, { report, isByUrl: jwksUrl })
      } finally {
        await inspection.close()
      }
    })
}

async function runEmulator(
  surroundings: Surroundings,
  inspection: Inspection,
  { report, isByUrl }: { readonly report: EmulatorReport; readonly isByUrl: boolean },
): Promise<void> {
  const { preset, issuer } = inspection
  const port = readPort(issuer)
  const { client, form } = await buildClient(inspection, isByUrl)
  const { jwksUri } = client
  // Only here, since it takes its time
  const { startProvider, defaultAccounts } = await import('@countersign/testing')
  let provider: Provider | undefined
  let told: Refusal | undefined
  const onLog = (line: string) => {
    const last = provider?.refusals.at(-1)
    report.sayLine(line, last === told ? undefined : last)
    told = last
  }
  try {
    provider = await startProvider({
      port,
      clients: [client],
      onLog,
      ...(preset && { preset: preset.name }),
    })
  } catch (error) {
    if (isSystemError(error, 'EADDRINUSE')) {
      throw new CommandError(`somebody else listens on port ${port}: change OIDC_ISSUER`)
    }
    throw error
  }
  try {
    if (provider.issuer !== issuer) {
      throw new CommandError(
        `OIDC_ISSUER must be exactly ${provider.issuer} for this emulator, and is ${issuer}`,
      )
    }
    report.sayReady({
      provider: preset?.name,
      title: preset?.title ?? 'A strict provider',
      issuer,
      clientId: client.clientId,
      registeredBy: form,
      redirectUris: client.redirectUris,
      accounts: defaultAccounts.map(({ sub, claims }) => String(claims?.['name'] ?? sub)),
      notes: [
        ...(jwksUri === undefined
          ? []
          : [['Its keys', `are read at ${jwksUri}: the app has to run`] as const]),
        ...describeRules(preset),
      ],
    })
    await surroundings.waitForEnd()
  } finally {
    await provider.close()
  }
}

/** The port of an issuer on this machine. */
function readPort(issuer: string): number {
  const url = new URL(issuer)
  if (!isLoopback(url) || url.protocol !== 'http:') {
    throw new CommandError(
      `OIDC_ISSUER must be on this machine for an emulator, such as http://127.0.0.1:4000, and is ${issuer}`,
    )
  }
  return Number(url.port || 80)
}

/** The app as it is registered, in the form that its provider takes. */
async function buildClient(
  inspection: Inspection,
  isByUrl: boolean,
): Promise<{ readonly client: ProviderClient; readonly form: string }> {
  const { clientId, redirectUri, postLogoutRedirectUri, baseUrl, jwksUrl, preset } = inspection
  const base = {
    clientId,
    redirectUris: [redirectUri],
    postLogoutRedirectUris: [postLogoutRedirectUri],
    ...(isKindOf(preset, 'back-channel') && {
      backchannelLogoutUri: `${baseUrl}/backchannel-logout`,
    }),
    ...(isKindOf(preset, 'front-channel') && {
      frontchannelLogoutUri: `${baseUrl}/frontchannel-logout`,
    }),
    ...(inspection.assertion.issuer !== undefined && { teamId: inspection.assertion.issuer }),
  }
  if (
    inspection.clientAuth !== 'private_key_jwt' &&
    inspection.clientAuth !== 'signed_client_secret'
  ) {
    throw new CommandError(
      `the emulator knows clients by their keys, and this one authenticates with ${inspection.clientAuth}: ${describeMissingKey(preset)}`,
    )
  }
  const forms = preset?.registration.forms ?? ['jwks', 'jwks_uri']
  const byUrl = { client: { ...base, jwksUri: jwksUrl ?? '' }, form: `its JWKS URL ${jwksUrl}` }
  if (isByUrl) {
    if (forms.includes('jwks_uri')) return byUrl
    throw new CommandError(`${preset?.title} takes no JWKS URL: leave --jwks-url away`)
  }
  const { certificates } = inspection.assertion
  if (certificates && forms.includes('certificate')) {
    const certificate = readCertificate(
      certificates.buildHeader(await inspection.signer(), 'x5c')['x5c'],
    )
    return { client: { ...base, certificate }, form: 'its certificate' }
  }
  const keys = await inspection.publishedKeys()
  if (forms.includes('jwks')) {
    return { client: { ...base, jwks: { keys } }, form: `its JWK Set (${keys.length})` }
  }
  if (forms.includes('pem') || forms.includes('made_there')) {
    const signing = keys.filter(({ use }) => use !== 'enc')
    return { client: { ...base, publicKey: signing.map(nameKey) }, form: 'its public key (PEM)' }
  }
  if (forms.includes('jwks_uri')) return byUrl
  throw new CommandError(
    `${preset?.title} knows keys by their certificates: set OIDC_CLIENT_CERT to that of the key, ` +
      'which "countersign keygen --certificate" makes along with one',
  )
}

function isKindOf(preset: Preset | undefined, kind: 'back-channel' | 'front-channel'): boolean {
  return preset?.logout?.includes(kind) ?? preset === undefined
}

/** A key with a name that the provider has given it has that name there as well; a PEM has none. */
function nameKey(jwk: PublicJwk): string | PublicJwk {
  return jwk.kid === calculateThumbprint(jwk) ? buildPem(jwk) : { ...jwk }
}

/** @see RFC 7515, 4.1.6 */
function readCertificate(x5c: unknown): string {
  const [der] = Array.isArray(x5c) ? x5c : []
  const lines = String(der).match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}

function* describeRules(preset: Preset | undefined): Generator<readonly [string, string]> {
  const { assertion, sources, registration } = preset ?? {}
  if (!assertion) return
  const { algs, audience, kidRule, typ, maxLifetime, isJtiSingleUse } = assertion
  const rules = [
    algs.join(' or '),
    `aud is ${audience.map(describeAudience).join(' or ')}`,
    ...(kidRule ? [kidRule === 'required' ? 'a kid' : 'no kid'] : []),
    ...(typ ? [`typ ${typ.join(' or ')}`] : []),
    ...(maxLifetime === undefined ? [] : [`at most ${maxLifetime} s`]),
    ...(isJtiSingleUse ? ['each jti once'] : []),
  ]
  yield ['It demands', rules.join(', ')]
  yield ['Says who', sources?.[0] ?? '']
  yield ['In earnest', `register the key at ${registration?.where}`]
}
