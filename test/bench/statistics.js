/**
 * Medians, because the machine is noisy, and the middle half of the samples, to say how much.
 *
 * @module
 */

/** The median and the quartiles. */
export function summarize(samples) {
  const sorted = [...samples].sort((a, b) => a - b)
  return {
    median: quantile(sorted, 0.5),
    low: quantile(sorted, 0.25),
    high: quantile(sorted, 0.75),
  }
}

/** What each sample has over the floor's sample of the same round. */
export function subtract(samples, floor) {
  return samples.map((sample, round) => sample - floor[round])
}

function quantile(sorted, share) {
  const position = (sorted.length - 1) * share
  const below = sorted[Math.floor(position)]
  const above = sorted[Math.ceil(position)]
  return below + (above - below) * (position - Math.floor(position))
}
