/**
 * All that crosses a process: methods, events, reports. Zod schemas and the types inferred from them; this file is the only way in.
 *
 * Everything here survives JSON (the loopback page speaks it over a WebSocket): finite numbers, strings, plain arrays and objects.
 * Ids, params and small numbers cross; weights never do. Errors cross as ErrorReport (errors.ts).
 *
 *   page / CLI --EngineApi--> engine        page --HostApi--> main
 *   page / CLI <--EngineEvents-- engine     page <--HostEvents-- main
 */
export * from './contract/doors.ts'
export * from './contract/engine.ts'
export * from './contract/events.ts'
export * from './contract/files.ts'
export * from './contract/host.ts'
export * from './contract/jobs.ts'
export * from './contract/recipe.ts'
export * from './contract/report-files.ts'
export * from './contract/reports.ts'
