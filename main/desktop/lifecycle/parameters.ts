/** What the application was started with: switches are Chromium's, what is left is a command line or files to open. */
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * Switches that launchers, wrappers and drivers put anywhere among the arguments. Chromium has read them before our code runs. Written
 * `--name` or `--name=value`, never with a value of its own behind; no flag of the command line has one of these names (a test).
 */
export const chromiumSwitches: ReadonlySet<string> = new Set([
  'no-sandbox', // AppImage where user namespaces are restricted; containers
  'disable-setuid-sandbox',
  'disable-gpu',
  'disable-gpu-sandbox',
  'disable-gpu-compositing',
  'disable-software-rasterizer',
  'disable-dev-shm-usage',
  'in-process-gpu',
  'use-gl',
  'use-angle',
  'ignore-gpu-blocklist',
  'enable-unsafe-webgpu',
  'use-webgpu-adapter',
  'use-vulkan',
  'enable-features',
  'disable-features',
  'enable-blink-features',
  'ozone-platform',
  'ozone-platform-hint',
  'enable-wayland-ime',
  'headless',
  'force-device-scale-factor',
  'high-dpi-support',
  'force-color-profile',
  'force-renderer-accessibility',
  'lang',
  'user-data-dir',
  'password-store',
  'proxy-server',
  'proxy-pac-url',
  'proxy-bypass-list',
  'no-proxy-server',
  'enable-logging',
  'log-file',
  'log-level',
  'v',
  'vmodule',
  'enable-crash-reporter',
  'trace-startup',
  'js-flags',
  'inspect',
  'inspect-brk',
  'remote-debugging-port',
  'remote-debugging-pipe',
  'remote-allow-origins',
  // What a second instance hands to the first.
  'allow-file-access-from-files',
  'original-process-start-time',
  'disable-field-trial-config',
])

const isSwitch = (argument: string) =>
  argument.startsWith('--') && chromiumSwitches.has(argument.slice(2).replace(/=.*$/s, ''))

/**
 * The arguments that are ours. Behind `--` nothing is a switch.
 * @param defaultApp whether Electron was given the application's folder (`electron .`), as its first argument that is no switch
 */
export function ownParameters(argv: readonly string[], defaultApp: boolean): string[] {
  const end = argv.indexOf('--')
  const head = end < 0 ? argv : argv.slice(0, end)
  const own = head.filter((argument, i) => i === 0 || !isSwitch(argument))
  return [...own.slice(defaultApp ? 2 : 1), ...(end < 0 ? [] : argv.slice(end))]
}

/** The files among parameters that are no command line, as absolute paths. A launcher may name them by `file:` URLs. */
export function filesOf(parameters: readonly string[], folder: string): string[] {
  const end = parameters.indexOf('--')
  const named = end < 0 ? parameters : [...parameters.slice(0, end), ...parameters.slice(end + 1)]
  return (
    named
      // Before `--` a dash is a switch that we do not know, as the Finder's -psn_0_123.
      .filter((argument, i) => argument !== '' && (!argument.startsWith('-') || (end >= 0 && i >= end)))
      .map((argument) => resolve(folder, argument.startsWith('file:') ? fileURLToPath(argument) : argument))
  )
}

/** Whether a command line names a GPU: `--device gpu`, `--device=gpu:NAME`. Others start Electron without one. */
export function namesGpu(parameters: readonly string[]): boolean {
  return parameters.some((parameter, i) => `${parameter}=${parameters[i + 1] ?? ''}`.startsWith('--device=gpu'))
}

/** Chromium aborts without a display, in the middle of its own start. */
export function lacksDisplay(
  platform: NodeJS.Platform,
  environment: NodeJS.ProcessEnv,
  argv: readonly string[],
): boolean {
  return (
    platform === 'linux' &&
    !environment.DISPLAY &&
    !environment.WAYLAND_DISPLAY &&
    !argv.some((argument) => /^--(headless|ozone-platform)\b/.test(argument))
  )
}
