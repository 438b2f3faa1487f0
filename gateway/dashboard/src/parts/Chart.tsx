/** Lines over the last minutes: SVG that scales with the page, and the numbers in words for who can't see it. */

import { scaleLinear } from "d3-scale";
import { area, curveMonotoneX, line } from "d3-shape";
import { tone } from "./Status";

const WIDTH = 560;
const HEIGHT = 150;
const LEFT = 44;
const BOTTOM = 20;

export interface Series {
  name: string;
  tone: string;
  dashed?: boolean;
  filled?: boolean;
  values: (number | null)[];
}

interface Asked {
  title: string;
  /** What the values are counted in, e.g. "/s". */
  unit: string;
  series: Series[];
  /** Seconds that the whole width stands for. */
  span: number;
  show: (value: number) => string;
  /** The top of the scale, if no value is higher. */
  least: number;
}

export function Chart({ title, unit, series, span, show, least }: Asked) {
  const highest = Math.max(least, ...series.flatMap(({ values }) => values.map((value) => value ?? 0)));
  const y = scaleLinear([0, highest], [HEIGHT - BOTTOM, 8]).nice(4);
  const length = series[0]?.values.length ?? 0;
  const x = scaleLinear([0, Math.max(length - 1, 1)], [LEFT, WIDTH - 4]);
  const latest = (values: (number | null)[]) => values.findLast((value) => value !== null) ?? null;
  const told = series.map(({ name, values }) => `${name} ${spoken(latest(values), show)}`).join(", ");
  return (
    <section className="card chart">
      <header>
        <h2>{title}</h2>
        <div className="keys" style={{ marginTop: 0 }}>
          {series.map(({ name, tone: of, dashed, values }) => (
            <span key={name} style={tone(of)}>
              <svg width="16" height="8" aria-hidden style={{ width: 16 }}>
                <path className="line" d="M0 4H16" data-dashed={dashed ? "" : undefined} />
              </svg>
              {name}{" "}
              <strong style={{ color: "var(--ink)", fontWeight: 580 }}>{spoken(latest(values), show)}</strong>
            </span>
          ))}
        </div>
      </header>
      <div className="body">
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`${title}, now: ${told}`}>
          {y.ticks(4).map((tick) => (
            <g key={tick}>
              <line className="rule" x1={LEFT} x2={WIDTH} y1={y(tick)} y2={y(tick)} />
              <text className="axis" x={LEFT - 8} y={y(tick) + 4} textAnchor="end">
                {show(tick)}
              </text>
            </g>
          ))}
          <text className="axis" x={LEFT} y={HEIGHT - 3}>
            {span / 60} min ago
          </text>
          <text className="axis" x={WIDTH} y={HEIGHT - 3} textAnchor="end">
            now, {unit}
          </text>
          {series.map((one) => (
            <Curve key={one.name} series={one} x={x} y={y} />
          ))}
        </svg>
      </div>
    </section>
  );
}

function Curve({
  series,
  x,
  y,
}: {
  series: Series;
  x: (at: number) => number;
  y: (value: number) => number;
}) {
  const points = series.values.map((value, index) => ({ value, index }));
  const known = (point: { value: number | null }) => point.value !== null;
  const stroke = line<(typeof points)[number]>(
    ({ index }) => x(index),
    ({ value }) => y(value ?? 0),
  )
    .defined(known)
    .curve(curveMonotoneX);
  const fill = area<(typeof points)[number]>(
    ({ index }) => x(index),
    y(0),
    ({ value }) => y(value ?? 0),
  )
    .defined(known)
    .curve(curveMonotoneX);
  return (
    <g style={tone(series.tone)}>
      {series.filled ? <path className="area" d={fill(points) ?? ""} /> : null}
      <path className="line" d={stroke(points) ?? ""} data-dashed={series.dashed ? "" : undefined} />
    </g>
  );
}

const spoken = (value: number | null, show: (value: number) => string) =>
  value === null ? "–" : show(value);
