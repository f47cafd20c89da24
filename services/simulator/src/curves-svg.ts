import type { Curve } from "./curve.ts";
import { placeIn, rangeOf } from "./curve-range.ts";

/** Curves one above the other, as an SVG 1.1 picture that needs nothing else. */
export function curvesSvg(curves: readonly Curve[]): string {
  const drawn = curves.filter(({ points }) => points.length > 0);
  const height = drawn.length * panelHeight + margin;
  const panels = drawn.map((curve, index) => panel(curve, index * panelHeight)).join("");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<rect width="${width}" height="${height}" fill="white"/>
${panels}</svg>
`;
}

function panel(curve: Curve, top: number): string {
  const { rounds, values } = rangeOf(curve);
  const [left, right] = [margin + 20, width - margin];
  const [upper, lower] = [top + margin, top + panelHeight - margin / 2];
  const at = ([round, value]: readonly [number, number]): string => {
    const x = left + placeIn(rounds, round) * (right - left);
    const y = lower - placeIn(values, value) * (lower - upper);
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  };
  const label = (x: number, y: number, anchor: string, text: string): string =>
    `<text x="${x}" y="${y}" text-anchor="${anchor}">${escaped(text)}</text>\n`;
  return `<polyline points="${left},${upper} ${left},${lower} ${right},${lower}" fill="none" stroke="black"/>
<polyline points="${curve.points.map(at).join(" ")}" fill="none" stroke="#1f77b4" stroke-width="1.5"/>
${label(left, upper - 10, "start", curve.title)}${label(left - 6, upper + 4, "end", values[1].toPrecision(4))}${label(left - 6, lower, "end", values[0].toPrecision(4))}${label(left, lower + 16, "middle", String(rounds[0]))}${label(right, lower + 16, "middle", String(rounds[1]))}`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

const width = 640;
const panelHeight = 260;
const margin = 40;
