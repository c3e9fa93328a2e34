/**
 * `countersign keys rotate`: the next key of a set, which takes over by itself when its time comes.
 *
 * @module
 */

import { rmSync } from 'node:fs'
import type { Preset } from '@countersign/core'
import { Command } from 'commander'
import { readDuration } from './duration.ts'
import { type Environment, readEnvironment, readGlobalOptions } from './environment.ts'
import { CommandError } from './failure.ts'
import { buildNamedJwk, type GeneratedKey, generateKey } from './generated-key.ts'
import { buildKeySetText, type KeySet, readKeySet } from './key-set.ts'
import { buildListJson, describeSet } from './keys-list.ts'
import { createPaint, escapeControls } from './paint.ts'
import {
  changeFile,
  checkCreatable,
  createFile,
  describeOpenness,
  readCertificatePlace,
  readText,
} from './private-file.ts'
import { checkAccepted, findProvider, readAlgorithm } from './provider.ts'
import { isCertificateNeeded } from './registration.ts'
import { buildRotation, checkRotatable, findPredecessor, type Rotation } from './rotation.ts'
import { describeRotation, type MadeRotation } from './rotation-report.ts'
import { chooseSet } from './set-choice.ts'
import type { Surroundings } from './surroundings.ts'

interface RotateOptions {
  readonly in: string
  readonly overlap: string
  readonly alg?: string
  readonly certificateOut?: string
  readonly name?: string
  readonly provider?: string
  readonly prune?: boolean
  readonly force?: boolean
}

/** Creates the command. */
export function createKeysRotateCommand(surroundings: Surroundings): Command {
  return new Command('rotate')
    .description('Add the next key, and give the one that signs now its end.')
    .argument(
      '[set]',
      'a private JWK Set: keys.json or file:./keys.json (default: OIDC_CLIENT_KEY)',
    )
    .option('--in <duration>', 'when the new key begins to sign: 30m, 24h, 7d', '24h')
    .option('--overlap <duration>', 'for how long the old key is published after that', '1h')
    .option('--alg <name>', 'the algorithm of the new key (default: that of the old one)')
    .option('--certificate-out <path>', 'make a certificate for the new key as well')
    .option('--name <text>', 'the name in the certificate (default: OIDC_CLIENT_ID)')
    .option('--provider <name>', 'the provider that the key is for (default: OIDC_PROVIDER)')
    .option('--prune', 'drop the keys that ended more than two days ago')
    .option('--force', 'even if a key is waiting, or the old one ends too early')
    .action((named: string | undefined, options: RotateOptions, command: Command) =>
      runRotate(named, options, { command, surroundings }),
    )
}

async function runRotate(
  named: string | undefined,
  options: RotateOptions,
  { command, surroundings }: { command: Command; surroundings: Surroundings },
): Promise<void> {
  const { envFile, json } = readGlobalOptions(command)
  const environment = readEnvironment(surroundings, envFile)
  const preset = findProvider(options.provider, environment)
  const { path, name } = chooseSet(named, environment, surroundings.cwd)
  const now = surroundings.now()
  const start = Math.ceil(now) + readDuration('--in', options.in)
  const end = start + readDuration('--overlap', options.overlap)
  const times = { now, start, end }
  const check = (set: KeySet) => {
    if (options.force !== true) checkRotatable(set, times)
    return set
  }
  const before = check(readKeySet(readText(path), name))
  const { alg: oldAlg = 'ES256' } = findPredecessor(before, times)
  const alg = options.alg === undefined ? oldAlg : readAlgorithm(options.alg)
  checkAccepted(preset, alg)
  const certificatePath = findCertificatePath(options, { preset, cwd: surroundings.cwd })
  const key = await generateKey(alg, readSize(before, times))
  const certificate =
    certificatePath && (await buildCertificate(key, { options, environment, now }))
  if (certificatePath && certificate) createFile(certificatePath, certificate, { mode: 0o644 })
  let rotation: Rotation | undefined
  try {
    changeFile(path, (text) => {
      // As it is now: making a key takes a while
      const set = check(readKeySet(text ?? '', name))
      rotation = buildRotation(set, buildNamedJwk(key, preset), {
        ...times,
        isPruned: options.prune === true,
      })
      return buildKeySetText(rotation.set, name)
    })
  } catch (error) {
    // The certificate of a key that nobody has
    if (certificatePath) rmSync(certificatePath, { force: true })
    throw error
  }
  if (!rotation) return
  const made: MadeRotation = {
    ...{ key, rotation, times, preset, environment },
    certificate: options.certificateOut,
  }
  const { stdout, stderr } = surroundings
  if (json) stdout.write(buildRotateJson(made))
  else {
    const picture = describeSet(rotation.set, { name, now }, surroundings)
    stdout.write(`${picture}\n\n${describeRotation(made, createPaint(surroundings))}`)
  }
  const openness = describeOpenness(path)
  if (openness !== undefined) stderr.write(`warning: ${escapeControls(openness)}\n`)
}

function findCertificatePath(
  { certificateOut }: RotateOptions,
  { preset, cwd }: { preset: Preset | undefined; cwd: string },
): string | undefined {
  if (certificateOut === undefined) {
    if (!preset || !isCertificateNeeded(preset)) return undefined
    throw new CommandError(
      `${preset.title} takes keys as certificates: say where that of the new key goes, with ` +
        '--certificate-out',
    )
  }
  const path = readCertificatePlace(certificateOut, cwd)
  checkCreatable(path, { isForced: false })
  return path
}

async function buildCertificate(
  { privateKey }: GeneratedKey,
  { options, environment, now }: { options: RotateOptions; environment: Environment; now: number },
): Promise<string> {
  const { generateCertificate } = await import('./certificate.ts')
  const name = options.name ?? environment['OIDC_CLIENT_ID']?.trim() ?? 'countersign'
  return generateCertificate({ privateKey, name, days: 365, now }).pem
}

/** An RSA key is followed by one as large. */
function readSize(set: KeySet, times: Parameters<typeof findPredecessor>[1]): number {
  const { n } = findPredecessor(set, times).jwk
  const bits = typeof n === 'string' ? Buffer.from(n, 'base64url').length * 8 : 0
  return bits > 3072 ? 4096 : bits > 2048 ? 3072 : 2048
}

function buildRotateJson({ key, rotation, times, ...others }: MadeRotation): string {
  const list: object = JSON.parse(buildListJson(rotation.set, times.now))
  const value = {
    added: { kid: rotation.set.keys.at(-1)?.kid, alg: key.alg, nbf: times.start },
    retired: rotation.retired.map(({ kid, notAfter }) => ({ kid, exp: notAfter })),
    pruned: rotation.pruned.map(({ kid }) => kid),
    publicKey: key.publicPem,
    jwks: { keys: [key.publicJwk] },
    ...(others.certificate !== undefined && { certificate: others.certificate }),
    ...list,
  }
  return `${escapeControls(JSON.stringify(value, undefined, 2))}\n`
}
