/**
 * What an emulator demands of an Authentication Request, pushed or not.
 *
 * oidc-provider asks for it among its own checks, and answers as it does with faults it finds itself:
 * with an error at the app, or on a page where there is none to go back to.
 *
 * @module
 */

/// <reference path="./oidc-provider.d.ts" />
import type { Preset } from '@countersign/core'
import type { Context } from 'oidc-provider/lib/provider.js'
import { describeOnWire } from './client-endpoints.ts'
import type { BrokenEmulatorRule, EmulatorRule, Refusal } from './emulator-rules.ts'
import { readVectors } from './requested-acr.ts'

/** Parameters beyond those oidc-provider knows, each with a check of the request, or none. */
export interface ExtraParameters {
  readonly [name: string]: ((ctx: Context) => Promise<void>) | null
}

type Parameters = { readonly [name: string]: string | undefined }

/** Finds the rules that an Authentication Request breaks. */
export function findBrokenAuthorizationRules(
  { authorization = {}, acr }: Preset,
  params: Parameters,
): readonly BrokenEmulatorRule[] {
  const { required = [], refusedScopes, responseModes, prompts, minLengths = {} } = authorization
  const faults: readonly (readonly [EmulatorRule, string | undefined])[] = [
    ...required.map(
      (name) => ['parameter', params[name] ? undefined : `"${name}" is required`] as const,
    ),
    ['vtr', acr?.parameter === 'vtr' ? findVectorFault(params['vtr']) : undefined],
    ['scope', refusedScopes && findRefused('scope', params, refusedScopes)],
    ['response_mode', responseModes && findUnknown('response_mode', params, responseModes)],
    ['prompt', prompts && findUnknown('prompt', params, prompts)],
    ['state', findShort('state', params, minLengths.state)],
    ['nonce', findShort('nonce', params, minLengths.nonce)],
  ]
  return faults.flatMap(([rule, message]) => (message === undefined ? [] : [{ rule, message }]))
}

/** Builds the check in the form in which oidc-provider takes it: that of a parameter. */
export function buildExtraParameters(
  preset: Preset,
  onRefusal: (refusal: Refusal) => void,
): ExtraParameters {
  const names = (preset.authorization?.required ?? []).filter((name) => name !== 'vtr')
  return { ...Object.fromEntries(names.map((name) => [name, null])), vtr: check }

  async function check(ctx: Context): Promise<void> {
    const sent = readSent(ctx)
    // A pushed request was checked when it was pushed
    if (sent['request_uri'] !== undefined) return
    const broken = findBrokenAuthorizationRules(preset, sent)
    const [first] = broken
    if (first === undefined) return
    const clientId = ctx.oidc?.client?.clientId
    const endpoint = ctx.oidc?.route ?? 'authorization'
    for (const { rule, message } of broken) {
      onRefusal({ rule, message, endpoint, ...(clientId !== undefined && { clientId }) })
    }
    throw buildError(first)
  }
}

/** As it was sent: oidc-provider drops a scope `offline_access` that it does not grant. */
function readSent({ method, oidc, query }: Context): Parameters {
  return { ...oidc?.params, ...(method === 'POST' ? oidc?.body : query) }
}

/** An error as oidc-provider's own are: it is told to the client, and by redirect where there is one. */
function buildError({ rule, message }: BrokenEmulatorRule): Error {
  const error = rule === 'scope' ? 'invalid_scope' : 'invalid_request'
  return Object.assign(new Error(error), {
    error,
    error_description: describeOnWire(message),
    status: 400,
    statusCode: 400,
    expose: true,
    allow_redirect: true,
    isTold: true,
  })
}

function findVectorFault(vtr: string | undefined): string | undefined {
  if (vtr === undefined || readVectors(vtr)) return undefined
  return '"vtr" must be a JSON array of vectors of trust, such as ["Cl.Cm"]'
}

function findShort(name: string, params: Parameters, least = 0): string | undefined {
  const { length } = params[name] ?? ''
  if (length >= least) return undefined
  if (length === 0) return `"${name}" is required`
  return `"${name}" must have at least ${least} characters, and has ${length}`
}

function findRefused(
  name: string,
  params: Parameters,
  refused: readonly string[],
): string | undefined {
  const value = params[name]?.split(' ').find((each) => refused.includes(each))
  return value === undefined ? undefined : `"${name}" must not have "${value}"`
}

function findUnknown(
  name: string,
  params: Parameters,
  accepted: readonly string[],
): string | undefined {
  const values = params[name]?.split(' ') ?? []
  const value = values.find((each) => !accepted.includes(each))
  if (value === undefined) return undefined
  const names = accepted.map((each) => JSON.stringify(each)).join(' or ')
  return `"${name}" must be ${names}, and is ${JSON.stringify(value).slice(0, 200)}`
}
