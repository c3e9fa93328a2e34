/**
 * Programs run by tests, with what they print.
 *
 * @module
 */

import { spawn } from 'node:child_process'

/** How a program ended. */
export interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end, without standard input. */
export function run(
  [program = '', ...args]: readonly string[],
  { cwd, env = {} }: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> },
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk) => {
      stdout += chunk
    })
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    child.on('error', reject)
    child.on('close', (status) => resolve({ status, stdout, stderr }))
  })
}

/** Runs a program that must succeed; answers with what it printed. */
export async function runWell(
  command: readonly string[],
  settings: Parameters<typeof run>[1],
): Promise<string> {
  const { status, stdout, stderr } = await run(command, settings)
  if (status === 0) return stdout
  throw new Error(`"${command.join(' ')}" ended with ${status}\n${stdout}\n${stderr}`)
}
