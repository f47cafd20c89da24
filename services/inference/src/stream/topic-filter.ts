import { SelvedgeError } from "@selvedge/protocol";

/** What a topic is that a filter matched. */
export interface TopicMatch {
  readonly topic: string;
  /** Levels that stood for a `+`, in order. */
  readonly levels: readonly string[];
  /** What stood for the `#`; undefined where the filter has none. */
  readonly rest: string | undefined;
}

/**
 * @param filter such as `sensors/+/image`, `sensors/#` or `$share/group/sensors/#`
 * @throws SelvedgeError `invalid_argument` when it is no topic filter
 */
export function checkFilter(filter: string): void {
  const levels = withoutShare(filter).split("/");
  const isGood = levels.every(
    (level, index) => level === "+" || (level === "#" && index === levels.length - 1) || !/[+#]/.test(level),
  );
  if (!isGood || !isTopicText(filter) || withoutShare(filter) === "") {
    throw new SelvedgeError("invalid_argument", `"${filter}" is no topic filter`, {
      fix: "name a topic; + stands for one level, # as the last for all that follow",
    });
  }
}

/** How the topic matches; undefined when it does not. Topics that begin with `$` match no wildcard at the front. */
export function matchTopic(filter: string, topic: string): TopicMatch | undefined {
  const given = topic.split("/");
  const levels: string[] = [];
  const wanted = withoutShare(filter).split("/");
  if (topic.startsWith("$") && /^[+#]/.test(wanted[0] ?? "")) return undefined;
  for (const [index, level] of wanted.entries()) {
    if (level === "#") return { topic, levels, rest: given.slice(index).join("/") };
    const value = given[index];
    if (value === undefined || (level !== "+" && level !== value)) return undefined;
    if (level === "+") levels.push(value);
  }
  return given.length === wanted.length ? { topic, levels, rest: undefined } : undefined;
}

/** Whether it can be published to (MQTT 5.0, section 4.7.1): no wildcard, and none of the broker's own. */
export function isTopicName(topic: string): boolean {
  return topic !== "" && isTopicText(topic) && !/[+#]/.test(topic) && !topic.startsWith("$");
}

/** A filter without what makes it a shared one (MQTT 5.0, section 4.8.2). */
export function withoutShare(filter: string): string {
  return filter.replace(/^\$share\/[^/]+\//, "");
}

/** Whether it is of the length and characters of topics, filters among them. */
export function isTopicText(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed() && Buffer.byteLength(text) <= topicBytesMax;
}

const topicBytesMax = 65_535;
