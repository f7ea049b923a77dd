import * as z from 'zod'
import { idleYieldMs, intervalSchedule, type Schedule } from '../flow/poll-loop.ts'
import { duration } from '../model/schema/duration.ts'
import { cronProblem, cronSchedule, isTimezone, maxGapSeconds } from './cron-schedule.ts'

/** Config fields that say when to poll. A kind spreads them into its config, and adds `checkSchedule`. */
export function scheduleFields() {
  return {
    interval: duration({ min: 1, max: 7 * 86_400 })
      .optional()
      .describe('Pause between two reads, in seconds or as text such as "5m". A change may stay unseen this long.'),
    schedule: z
      .string()
      .superRefine((text, context) => {
        const problem = cronProblem(text)
        if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
      })
      .optional()
      .describe('When to read, as a cron expression, with or without seconds, instead of an interval.'),
    timezone: z
      .string()
      .refine(isTimezone, 'must be the name of a time zone, such as Europe/Berlin')
      .optional()
      .describe("Time zone of the schedule; the daemon's own if left out."),
  } as const
}

type ScheduleConfig = { interval?: number | undefined; schedule?: string | undefined; timezone?: string | undefined }

/** Rejects a config with both an interval and a schedule, or with a time zone but no schedule. */
export function checkSchedule({ value, issues }: { value: ScheduleConfig; issues: z.core.$ZodRawIssue[] }): void {
  const reject = (path: string, message: string) => issues.push({ code: 'custom', path: [path], message, input: value })
  if (value.interval !== undefined && value.schedule !== undefined)
    reject('schedule', 'give interval or schedule, not both')
  if (value.timezone !== undefined && value.schedule === undefined)
    reject('timezone', 'has no effect without a schedule')
}

export async function scheduleOf(
  { interval, schedule, timezone }: ScheduleConfig,
  defaultSeconds: number,
): Promise<Schedule> {
  return schedule === undefined
    ? intervalSchedule((interval ?? defaultSeconds) * 1000)
    : await cronSchedule(schedule, { timezone })
}

/** Maximum time between two sightings of a source with this schedule, in seconds. */
export function maxPauseSeconds({ interval, schedule }: ScheduleConfig, defaultSeconds: number): number {
  const pause = schedule === undefined ? (interval ?? defaultSeconds) : maxGapSeconds(schedule)
  return Math.min(pause, idleYieldMs / 1000)
}
