/** Bytes in decimal units: "812 B", "7.6 MB". */
export function formatBytes(bytes: number | bigint): string {
  let value = Number(bytes);
  let unit = 0;
  // 999.95 would be shown as "1000.0".
  while (value >= (unit === 0 ? 1_000 : 999.95) && unit < byteUnits.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${byteUnits[unit]}`;
}

/** A whole number with its thousands apart: "1,663,370". */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}

/** A span of time in its largest unit: "0s", "59s", "3m", "2h", "5d". */
export function formatSpan(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** How long ago something was; "never" for 0. Times are milliseconds since 1970. */
export function formatAgo(time: number | bigint, now: number): string {
  return Number(time) === 0 ? "never" : `${formatSpan(now - Number(time))} ago`;
}

/** How long until something is, to the nearest whole unit; "expired" when it has been. */
export function formatUntil(time: number | bigint, now: number): string {
  return Number(time) <= now ? "expired" : `in ${formatSpan(nearest(Number(time) - now))}`;
}

/** What lasts seven days is not shown as six a moment later. */
function nearest(ms: number): number {
  const unit = [86_400_000, 3_600_000, 60_000].find((unit) => ms >= unit) ?? 1_000;
  return Math.round(ms / unit) * unit;
}

/** UTC, to the second: "2026-11-24 04:56:20Z". */
export function formatTime(time: number | bigint): string {
  return `${new Date(Number(time)).toISOString().slice(0, 19).replace("T", " ")}Z`;
}

const byteUnits = ["B", "kB", "MB", "GB", "TB"];
