/**
 * `countersign keygen`: a private key for the app, and its public half for the provider.
 *
 * @module
 */

import { basename, dirname, extname, join, relative } from 'node:path'
import type { JwsAlgorithm, Preset } from '@countersign/core'
import { Command } from 'commander'
import type { GeneratedCertificate } from './certificate.ts'
import { readEnvironment, readGlobalOptions } from './environment.ts'
import { CommandError } from './failure.ts'
import { buildNamedJwk, type GeneratedKey, generateKey, rsaSizes } from './generated-key.ts'
import { buildJson, buildText, type MadeKey } from './key-report.ts'
import { addKey, buildKeySetText, readKeySet, readPlace } from './key-set.ts'
import { findState, type KeyState } from './key-states.ts'
import { createPaint, escapeControls } from './paint.ts'
import {
  changeFile,
  checkCreatable,
  createFile,
  describeOpenness,
  isSameFile,
  readCertificatePlace,
} from './private-file.ts'
import { checkAccepted, chooseAlgorithmFor, findProvider, readAlgorithm } from './provider.ts'
import { isCertificateNeeded } from './registration.ts'
import type { Surroundings } from './surroundings.ts'

interface KeygenOptions {
  readonly alg?: string
  readonly bits?: string
  readonly out?: string
  readonly set?: string
  readonly certificate?: boolean
  readonly certificateOut?: string
  readonly name?: string
  readonly days: string
  readonly provider?: string
  readonly force?: boolean
}

/** Creates the command. */
export function createKeygenCommand(surroundings: Surroundings): Command {
  return new Command('keygen')
    .description('Make a private key, and print its public half and where it goes.')
    .option(
      '--alg <name>',
      'the algorithm it signs with (default: the best for the provider, or ES256)',
    )
    .option('--bits <number>', `the size of an RSA key: ${rsaSizes.join(', ')} (default: 2048)`)
    .option('--out <path>', 'the PEM file to create (default: client-key.pem)')
    .option('--set <path>', 'the private JWK Set to create, or to add the key to')
    .option('--certificate', 'make a self-signed certificate as well')
    .option('--certificate-out <path>', 'where (default: beside the key, with the ending .crt)')
    .option('--name <text>', 'the name in the certificate (default: OIDC_CLIENT_ID)')
    .option('--days <number>', 'for how long the certificate is valid', '365')
    .option('--provider <name>', 'the provider that the key is for (default: OIDC_PROVIDER)')
    .option('--force', 'replace the files that are there; never a set')
    .action((options: KeygenOptions, command: Command) => runKeygen(options, command, surroundings))
}

async function runKeygen(
  options: KeygenOptions,
  command: Command,
  surroundings: Surroundings,
): Promise<void> {
  const { envFile, json } = readGlobalOptions(command)
  const { cwd, stdout } = surroundings
  const environment = readEnvironment(surroundings, envFile)
  const preset = findProvider(options.provider, environment)
  const alg = options.alg === undefined ? chooseAlgorithmFor(preset) : readAlgorithm(options.alg)
  checkAccepted(preset, alg)
  const { path, isSet } = findKeyPlace(options, cwd)
  const isForced = options.force === true
  const bits = readSize(options.bits, alg, preset?.registration.rsaSizes)
  const certificatePath = findCertificatePath(options, { preset, path, cwd })
  checkCreatable(path, { isForced: isForced || isSet })
  if (certificatePath !== undefined) {
    checkCreatable(certificatePath, { isForced })
    checkApart(path, certificatePath)
  }
  const certify = await prepareCertificate(certificatePath, {
    name: options.name ?? environment['OIDC_CLIENT_ID']?.trim() ?? 'countersign',
    days: readDays(options.days),
    now: surroundings.now(),
  })
  const key = await generateKey(alg, bits)
  // Before anything is written: a name may not fit
  const certificate = certify?.(key)
  const state = isSet ? addToSet(key, path, { preset, now: surroundings.now() }) : 'signs'
  if (!isSet) createFile(path, key.privatePem, { isForced })
  if (certificate && certificatePath !== undefined) {
    createFile(certificatePath, certificate.pem, { mode: 0o644, isForced })
  }
  const made: MadeKey = {
    key,
    preset,
    environment,
    path: showPath(path, cwd),
    isSet,
    state,
    certificate: certificate && { ...certificate, path: showPath(certificatePath ?? '', cwd) },
  }
  stdout.write(json ? buildJson(made) : buildText(made, createPaint(surroundings)))
  const openness = isSet ? describeOpenness(path) : undefined
  if (openness !== undefined) surroundings.stderr.write(`warning: ${escapeControls(openness)}\n`)
}

function findKeyPlace({ out, set }: KeygenOptions, cwd: string): { path: string; isSet: boolean } {
  if (out !== undefined && set !== undefined) {
    throw new CommandError('--out and --set are two places for one key: choose one of them')
  }
  if (set !== undefined) return { path: readPlace(set, cwd), isSet: true }
  return { path: readPlace(out ?? 'client-key.pem', cwd), isSet: false }
}

/** A certificate is made where it is asked for, and where the provider knows keys by one. */
function findCertificatePath(
  { certificate, certificateOut }: KeygenOptions,
  { preset, path, cwd }: { preset: Preset | undefined; path: string; cwd: string },
): string | undefined {
  if (certificateOut !== undefined) return readCertificatePlace(certificateOut, cwd)
  if (certificate !== true && !isCertificateNeeded(preset)) return undefined
  return join(dirname(path), `${basename(path, extname(path))}.crt`)
}

/** The one that is written later would take the place of the other, and the key would be nowhere. */
function checkApart(path: string, certificatePath: string): void {
  if (!isSameFile(path, certificatePath)) return
  throw new CommandError(
    `the key and its certificate would both be ${path}: name two files, with --out and --certificate-out`,
  )
}

async function prepareCertificate(
  path: string | undefined,
  settings: { name: string; days: number; now: number },
): Promise<((key: GeneratedKey) => GeneratedCertificate) | undefined> {
  if (path === undefined) return undefined
  const { generateCertificate } = await import('./certificate.ts')
  return ({ privateKey }) => generateCertificate({ privateKey, ...settings })
}

function addToSet(
  key: GeneratedKey,
  path: string,
  { preset, now }: { preset: Preset | undefined; now: number },
): KeyState {
  let state: KeyState = 'signs'
  changeFile(path, (text) => {
    const before = text === undefined ? undefined : readKeySet(text, path)
    const set = addKey(before, buildNamedJwk(key, preset))
    const added = set.keys.at(-1)
    if (added) state = findState(set.keys, added, now)
    return buildKeySetText(set, path)
  })
  return state
}

/** The size of an RSA key, one that the provider takes. Other keys have the one of their curve. */
function readSize(
  text: string | undefined,
  alg: JwsAlgorithm,
  accepted: readonly number[] = rsaSizes,
): number {
  if (text !== undefined && !/^[RP]S/.test(alg)) {
    throw new CommandError(
      `--bits: is the size of an RSA key, and one for ${alg} has no other size`,
    )
  }
  const bits = Number(text ?? '2048')
  if (accepted.includes(bits)) return bits
  throw new CommandError(`--bits: must be one of ${accepted.join(', ')}`)
}

function readDays(text: string): number {
  const days = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (days >= 1 && days <= 3650) return days
  throw new CommandError('--days: must be 1 to 3650')
}

/** A path as somebody would type it who is in this folder. */
function showPath(path: string, cwd: string): string {
  const shown = relative(cwd, path)
  return shown.startsWith('..') ? path : shown
}
