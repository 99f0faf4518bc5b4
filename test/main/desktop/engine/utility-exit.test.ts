import { constants } from 'node:os'
import { describe, expect, it } from 'vitest'
import { utilityExit } from '../../../../main/desktop/engine/utility-exit.ts'
import { whyItEnded } from '../../../../main/engine/parent/exit-sentence.ts'

const { SIGKILL, SIGSEGV, SIGABRT, SIGBUS } = constants.signals

describe.runIf(process.platform !== 'win32')('the number Electron reports', () => {
  it.each([
    [SIGKILL, 'SIGKILL'],
    [SIGSEGV, 'SIGSEGV'],
    [SIGSEGV | 0x80, 'SIGSEGV'], // with a core dump
    [SIGABRT | 0x80, 'SIGABRT'],
    [SIGBUS, 'SIGBUS'],
  ])('%i is a signal', (reported, signal) => {
    expect(utilityExit(reported, false)).toEqual({ code: null, signal })
  })

  it('is an exit code where no signal ends a process by that number, or in the upper byte', () => {
    for (const code of [1, 2, 3, 12, 77]) expect(utilityExit(code, false)).toEqual({ code, signal: null })
    expect(utilityExit(3 << 8, false)).toEqual({ code: 3, signal: null })
  })

  it('is an exit code on Windows', () => {
    expect(utilityExit(9, false, 'win32')).toEqual({ code: 9, signal: null })
  })

  it('0 is an orderly end of an engine that was asked to stop; otherwise nobody knows', () => {
    expect(utilityExit(0, true)).toEqual({ code: 0, signal: null })
    expect(utilityExit(0, false)).toEqual({ code: null, signal: null })
    expect(whyItEnded({ code: null, signal: null, stderrTail: '' }).key).toBe('engine.vanished')
    expect(whyItEnded({ code: null, signal: null, stderrTail: 'Error: it broke\n' }).values).toEqual({
      fault: 'Error: it broke',
    })
  })
})
