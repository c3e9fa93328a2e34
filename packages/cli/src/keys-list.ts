/**
 * `countersign keys list`: which key signs now, which one is next, and until when each is published.
 *
 * @module
 */

import { Command } from 'commander'
import { describeDuration, describeMoment } from './duration.ts'
import { readEnvironment, readGlobalOptions } from './environment.ts'
import { type KeySet, readKeySet, type SetKey } from './key-set.ts'
import { findEvents, findGap, findSigner, findState } from './key-states.ts'
import { createPaint, escapeControls } from './paint.ts'
import { describeOpenness, readText } from './private-file.ts'
import { chooseSet } from './set-choice.ts'
import { hasUnicode, type Surroundings } from './surroundings.ts'
import { drawTimeline, shorten } from './timeline.ts'

/** Creates the command. */
export function createKeysListCommand(surroundings: Surroundings): Command {
  return new Command('list')
    .description('Show when each key signs, and until when it is published.')
    .argument(
      '[set]',
      'a private JWK Set: keys.json or file:./keys.json (default: OIDC_CLIENT_KEY)',
    )
    .action((named: string | undefined, _options: unknown, command: Command) => {
      const { envFile, json } = readGlobalOptions(command)
      const environment = readEnvironment(surroundings, envFile)
      const { path, name } = chooseSet(named, environment, surroundings.cwd)
      const set = readKeySet(readText(path), name)
      const now = surroundings.now()
      surroundings.stdout.write(
        json ? buildListJson(set, now) : `${describeSet(set, { name, now }, surroundings)}\n`,
      )
      const openness = describeOpenness(path)
      if (openness !== undefined) {
        surroundings.stderr.write(`warning: ${escapeControls(openness)}\n`)
      }
    })
}

/** Builds the list for programs. Moments are NumericDates, as in the set. */
export function buildListJson({ keys }: KeySet, now: number): string {
  const list = keys.map((key) => ({
    kid: key.kid,
    alg: key.alg ?? key.jwk['alg'],
    state: findState(keys, key, now),
    nbf: key.notBefore,
    exp: key.notAfter,
  }))
  const events = findEvents(keys, now)
  const value = { now: Math.floor(now), keys: list, events }
  return `${escapeControls(JSON.stringify(value, undefined, 2))}\n`
}

/** Draws a set, and says what will happen to it. */
export function describeSet(
  { keys }: KeySet,
  { name, now }: { readonly name: string; readonly now: number },
  surroundings: Surroundings,
): string {
  const paint = createPaint(surroundings)
  const { columns } = surroundings
  const picture = drawTimeline(keys, Math.floor(now), {
    columns,
    hasUnicode: hasUnicode(surroundings),
    paint,
  })
  const events = findEvents(keys, now).map(({ moment, kid, type }) => {
    const what = type === 'switch' ? 'begins to sign' : 'is published no more'
    return `  ${describeMoment(moment)}  in ${describeDuration(moment - now)}: ${shorten(kid)} ${what}`
  })
  return [
    `${paint.bold(escapeControls(name))}  ${describeMoment(now)}`,
    '',
    ...picture,
    ...(events.length > 0 ? ['', ...events] : []),
    ...describeGap(keys, now).flatMap((line) => ['', paint.red(`  ${line}`)]),
  ].join('\n')
}

function describeGap(keys: readonly SetKey[], now: number): readonly string[] {
  if (!findSigner(keys, now)) return ['No key signs now: logins end with ERR_NO_KEY.']
  const gap = findGap(keys, now)
  if (gap === undefined) return []
  return [
    `From ${describeMoment(gap)} on no key signs: "countersign keys rotate" adds the next one.`,
  ]
}
