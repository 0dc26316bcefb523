import type { CliCommand } from '../command'
import { mergeCommand } from './merge'
import { planCommand } from './plan'
import { recoverCommand } from './recover'

/** In the order of --help. */
export const commands: readonly CliCommand[] = [mergeCommand, planCommand, recoverCommand]
