import { type GroupMetrics, limits, type MetricSpread, type MetricsBreakdown } from "@selvedge/protocol";
import { combineMetrics, type Metrics, type MetricsReport } from "./federated-metrics.ts";
import { metricRule } from "./metric-rules.ts";

/** What one device reported, and which sets of devices it belongs to. */
export interface DeviceReport extends MetricsReport {
  /** "" = none. */
  readonly group: string;
  readonly tags: readonly string[];
}

/**
 * How a round's figures are spread over its devices, and what they are in each group and tag of devices.
 * Nothing is told of fewer than `limits.devicesToldOfMin` devices: not of a set that is smaller, and of no
 * two sets, the whole cohort among them, of which one has so few that the other has not. Rates of single
 * classes, and counts, are not broken down. Does not depend on the order of reports.
 */
export function breakDownMetrics(reports: readonly DeviceReport[]): MetricsBreakdown {
  const own = reports.map((report) => ({ ...report, figures: figuresOf([report]) }));
  const spread: { [metric: string]: MetricSpread } = {};
  const groups = new Map<string, GroupMetrics>();
  for (const { names, reporters } of byReporters(own)) {
    if (reporters.length < limits.devicesToldOfMin) continue;
    for (const name of names) spread[name] = spreadOf(reporters.map(({ figures }) => figures[name] ?? 0));
    for (const { kind, name, members } of toldSets(reporters)) {
      const figures = figuresOf(members);
      const told = names.flatMap((each) => (figures[each] === undefined ? [] : [[each, figures[each]]]));
      const key = `${kind} ${name}`;
      const metrics = { ...groups.get(key)?.metrics, ...Object.fromEntries(told) };
      groups.set(key, { kind, name, devices: countOf(reports, kind, name), metrics });
    }
  }
  return { spread, groups: [...groups.values()].toSorted(byKindAndName) };
}

interface OwnFigures extends DeviceReport {
  /** As they would be of a cohort of this device alone. */
  readonly figures: Metrics;
}

interface DeviceSet<Member> {
  readonly kind: GroupMetrics["kind"];
  readonly name: string;
  readonly members: readonly Member[];
}

/** Figures that the same devices have. */
function byReporters(own: readonly OwnFigures[]): { names: string[]; reporters: OwnFigures[] }[] {
  const alike = new Map<string, { names: string[]; reporters: OwnFigures[] }>();
  for (const name of new Set(own.flatMap(({ figures }) => Object.keys(figures)))) {
    const key = own.map(({ figures }) => (figures[name] === undefined ? "0" : "1")).join("");
    const found = alike.get(key);
    if (found !== undefined) found.names.push(name);
    else alike.set(key, { names: [name], reporters: own.filter(({ figures }) => name in figures) });
  }
  return [...alike.values()];
}

/** The larger first, so that where two exclude each other more is told. */
function toldSets<Member extends DeviceReport>(among: readonly Member[]): DeviceSet<Member>[] {
  const groups = withoutSmallRest(setsOf(among, "group").filter(isLargeEnough), among.length);
  const told = [...groups];
  const inGroups = groups.flatMap(({ members }) => members);
  for (const tag of setsOf(among, "tag").filter(isLargeEnough)) {
    const others = [among, inGroups, ...told.map(({ members }) => members)];
    if (others.every((other) => tellsOfMany(tag.members, other))) told.push(tag);
  }
  return told;
}

/** What all groups together leave over of the cohort could be had by subtraction. */
function withoutSmallRest<Member>(groups: readonly DeviceSet<Member>[], total: number): DeviceSet<Member>[] {
  const kept = [...groups];
  const rest = (): number => total - kept.reduce((sum, { members }) => sum + members.length, 0);
  while (kept.length > 0 && rest() > 0 && rest() < limits.devicesToldOfMin) kept.pop();
  return kept;
}

function setsOf<Member extends DeviceReport>(
  among: readonly Member[],
  kind: GroupMetrics["kind"],
): DeviceSet<Member>[] {
  const sets = new Map<string, Member[]>();
  for (const member of among) {
    const names = kind === "tag" ? member.tags : member.group === "" ? [] : [member.group];
    for (const name of names) sets.set(name, [...(sets.get(name) ?? []), member]);
  }
  return [...sets]
    .map(([name, members]) => ({ kind, name, members }))
    .toSorted((a, b) => b.members.length - a.members.length || (a.name < b.name ? -1 : 1));
}

function isLargeEnough({ members }: DeviceSet<unknown>): boolean {
  return members.length >= limits.devicesToldOfMin;
}

/** Whether what two sets have in common, and what each has alone, is nothing or of enough devices. */
function tellsOfMany(one: readonly unknown[], other: readonly unknown[]): boolean {
  const others = new Set(other);
  const common = one.filter((member) => others.has(member)).length;
  const parts = [common, one.length - common, other.length - common];
  return parts.every((part) => part === 0 || part >= limits.devicesToldOfMin);
}

function countOf(reports: readonly DeviceReport[], kind: GroupMetrics["kind"], name: string): number {
  return reports.filter(({ group, tags }) => (kind === "tag" ? tags.includes(name) : group === name)).length;
}

/** What is a mean or a rate of all classes together. */
function figuresOf(reports: readonly MetricsReport[]): Metrics {
  const isFigure = (name: string): boolean =>
    metricRule(name)?.combine !== "sum" && (/_top_\d+$/.test(name) || !/_\d+$/.test(name));
  return Object.fromEntries(Object.entries(combineMetrics(reports)).filter(([name]) => isFigure(name)));
}

function spreadOf(values: readonly number[]): MetricSpread {
  const sorted = values.toSorted((a, b) => a - b);
  return {
    devices: sorted.length,
    minimum: quantile(sorted, 0),
    lowerQuartile: quantile(sorted, 0.25),
    median: quantile(sorted, 0.5),
    upperQuartile: quantile(sorted, 0.75),
    maximum: quantile(sorted, 1),
  };
}

/** Between the two values around it in a straight line (Hyndman and Fan, 1996, definition 7). */
function quantile(sorted: readonly number[], share: number): number {
  const place = share * (sorted.length - 1);
  const [low = 0, high = 0] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return low + (high - low) * (place - Math.floor(place));
}

function byKindAndName(a: GroupMetrics, b: GroupMetrics): number {
  return a.kind === b.kind ? (a.name < b.name ? -1 : 1) : a.kind < b.kind ? -1 : 1;
}
