/**
 * A strict stand-in for a provider that is known by its documents: what it checks, how it looks, and
 * how it says what was wrong.
 *
 * @module
 */

/// <reference path="./oidc-provider.d.ts" />
import type { IncomingMessage, ServerResponse } from 'node:http'
import { findPreset, type Preset } from '@countersign/core'
import { describeUnknownPreset } from '@countersign/core/inspection'
import type { Context, Provider } from 'oidc-provider/lib/provider.js'
import { renameAcr } from './acr-claim.ts'
import type { ClientEndpoint } from './client-assertion.ts'
import type { ClientCheck } from './client-endpoints.ts'
import { buildExtraParameters, type ExtraParameters } from './emulated-authorization.ts'
import { createEmulatedClientAuthentication } from './emulated-client-authentication.ts'
import { buildEmulatedMetadata } from './emulated-metadata.ts'
import { createEmulatedRegistration } from './emulated-registration.ts'
import { findRefusedRequest } from './emulated-requests.ts'
import type { Refusal } from './emulator-rules.ts'
import { escapeLine, printLine } from './print-line.ts'
import type { ClientRegistration, ProviderClients } from './provider-clients.ts'
import { addRecent } from './recent.ts'

/** A provider that is stood in for. */
export interface Emulator {
  readonly preset: Preset
  /** The path of its issuer: `/auth/open`, `/`, or nothing. */
  readonly issuerPath: string
  readonly registration: ClientRegistration
  readonly extraParameters: ExtraParameters
  /** `prompt` values that providers have and oidc-provider does not know. */
  readonly prompts: readonly string[]
  /** Every refusal, up to the last 10,000. */
  readonly refusals: readonly Refusal[]
  createClientCheck(parts: {
    readonly issuer: string
    readonly clients: ProviderClients
  }): ClientCheck
  /** Makes an instance of oidc-provider look like the provider. */
  dress(engine: Provider): void
  /** Notes a request that is not the form that it must be. */
  refuseForm(endpoint: ClientEndpoint, message: string): void
  /** Says a line in the provider's name. */
  log(line: string): void
  /** Whether a request was refused wherever it went, and has been answered. */
  refuseRequest(req: IncomingMessage, res: ServerResponse): boolean
}

/**
 * Creates the stand-in for a provider.
 *
 * @throws TypeError for a name that no provider has
 */
export function createEmulator(
  choice: string | Preset,
  onLog: (line: string) => void = printLine,
): Emulator {
  const preset = readPreset(choice)
  const { title, sources } = preset
  const registration = createEmulatedRegistration(preset)
  const refusals: Refusal[] = []

  const log = (line: string) => onLog(escapeLine(`${title}: ${line}`))

  function onRefusal(refusal: Refusal): void {
    addRecent(refusals, refusal)
    const { endpoint, rule, message } = refusal
    log(`${endpoint}: the rule "${rule}" is broken: ${message} (${sources[0]})`)
  }

  const issuerPath = readIssuerPath(preset.issuer.example)

  return {
    preset,
    issuerPath,
    registration,
    extraParameters: buildExtraParameters(preset, onRefusal),
    prompts: ['select_account', 'create'],
    refusals,
    log,
    dress(engine) {
      engine.use((ctx, next) => describe(ctx, next, preset))
      if (preset.acr?.claim === 'vot') renameAcr(engine, preset.acr.components)
    },
    createClientCheck: (parts) =>
      createEmulatedClientAuthentication({ ...parts, preset, registration, onRefusal }),
    refuseForm: (endpoint, message) => onRefusal({ rule: 'form', message, endpoint }),
    refuseRequest(req, res) {
      const refused = findRefusedRequest(preset, req, issuerPath)
      if (refused === undefined) return false
      const { status, reason, ...refusal } = refused
      onRefusal(refusal)
      res.statusCode = status
      res.setHeader('content-type', 'text/plain; charset=utf-8')
      res.end(`${reason}: ${refusal.message}\n`)
      return true
    },
  }
}

async function describe(ctx: Context, next: () => Promise<void>, preset: Preset): Promise<void> {
  await next()
  if (ctx.oidc?.route !== 'discovery' || typeof ctx.body !== 'object') return
  ctx.body = buildEmulatedMetadata(preset, { ...ctx.body })
}

function readPreset(choice: string | Preset): Preset {
  const preset = typeof choice === 'string' ? findPreset(choice) : choice
  if (preset) return preset
  throw new TypeError(`"preset" "${choice}" ${describeUnknownPreset(String(choice))}`)
}

/** The path after the host, where what is the customer's own has its own name: `/realms/realm`. */
function readIssuerPath(example: string): string {
  const [, path = ''] = /^https?:\/\/[^/]+(\/.*)?$/.exec(example) ?? []
  return path.replace(/\{([^}]*)\}/g, '$1')
}
