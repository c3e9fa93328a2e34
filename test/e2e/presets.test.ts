import { presets } from '@countersign/core'
import { describePreset } from '../contract/preset.ts'
import { mainFrameworks } from '../support/frameworks.ts'

for (const preset of Object.values(presets)) describePreset(preset, mainFrameworks)
