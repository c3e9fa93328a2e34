/**
 * All that a command knows of where it runs. Tests give it another place.
 *
 * @module
 */

/** Where text goes. */
export interface Output {
  write(text: string): unknown
}

/** Where a command runs. */
export interface Surroundings {
  readonly stdout: Output
  readonly stderr: Output
  /** The variables of the process. What `--env-file` has besides is added, for keys that are at `env:NAME`. */
  readonly env: Record<string, string | undefined>
  /** The folder that relative paths begin at. */
  readonly cwd: string
  /** Whether somebody looks at `stdout`, rather than a program. */
  readonly isTerminal: boolean
  /** How many characters a line of it takes. */
  readonly columns: number
  /** NumericDate. */
  now(): number
  /** Settles when the command is to end: at Ctrl+C, or when it is told to. For commands that stay. */
  waitForEnd(): Promise<void>
}

/** Whether what is printed may be coloured. @see https://no-color.org, https://force-color.org */
export function hasColour({ env, isTerminal }: Surroundings): boolean {
  if (env['NO_COLOR']) return false
  const forced = env['FORCE_COLOR']
  if (forced !== undefined) return forced !== '0' && forced !== 'false'
  return isTerminal && env['TERM'] !== 'dumb'
}

/** Whether what is printed may hold other characters than those of ASCII. */
export function hasUnicode({ env }: Surroundings): boolean {
  // Windows has no locale in its environment; the terminals of today say who they are
  if (env['WT_SESSION'] || env['TERM_PROGRAM'] === 'vscode') return true
  if (env['TERM'] === 'dumb' || env['TERM'] === 'linux') return false
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || ''
  return /utf-?8/i.test(locale)
}
