import * as z from 'zod'
import { cronSchedule, isTimezone, maxGapSeconds, cronProblem } from '../flow/cron-schedule.ts'
import { intervalSchedule, idleYieldMs, type Schedule } from '../flow/poll-loop.ts'
import { duration } from '../model/schema/duration.ts'

/** When a pulling source looks. A kind spreads these into its config, and checks them together by `onePace`. */
export function scheduleFields() {
  return {
    interval: duration({ min: 1, max: 7 * 86_400 })
      .optional()
      .describe('Pause between two looks, in seconds or as text such as "5m". A change may stay unseen this long.'),
    schedule: z
      .string()
      .superRefine((text, context) => {
        const problem = cronProblem(text)
        if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
      })
      .optional()
      .describe('When to look, as a cron expression, with or without seconds, instead of an interval.'),
    timezone: z
      .string()
      .refine(isTimezone, 'must be the name of a time zone, such as Europe/Berlin')
      .optional()
      .describe("Time zone of the schedule; the daemon's own if left out."),
  } as const
}

type PaceConfig = { interval?: number | undefined; schedule?: string | undefined; timezone?: string | undefined }

/** Refuses a config that names two paces, or the time zone of none. */
export function checkSchedule({ value, issues }: { value: PaceConfig; issues: z.core.$ZodRawIssue[] }): void {
  const refuse = (path: string, message: string) => issues.push({ code: 'custom', path: [path], message, input: value })
  if (value.interval !== undefined && value.schedule !== undefined)
    refuse('schedule', 'give interval or schedule, not both')
  if (value.timezone !== undefined && value.schedule === undefined)
    refuse('timezone', 'is of no use without a schedule')
}

export async function scheduleOf({ interval, schedule, timezone }: PaceConfig, otherwise: number): Promise<Schedule> {
  return schedule === undefined
    ? intervalSchedule((interval ?? otherwise) * 1000)
    : await cronSchedule(schedule, { timezone })
}

/** The longest time that a source of this pace waits without a word, in seconds. */
export function maxPauseSeconds({ interval, schedule }: PaceConfig, otherwise: number): number {
  const pause = schedule === undefined ? (interval ?? otherwise) : maxGapSeconds(schedule)
  return Math.min(pause, idleYieldMs / 1000)
}
