import { AxisBottom, AxisLeft } from "@visx/axis";
import { scaleBand, scaleLinear } from "@visx/scale";
import { Bar, LinePath } from "@visx/shape";
import { useId, useState, type KeyboardEvent, type PointerEvent } from "react";
import styles from "./charts.module.css";
import { useWidth } from "./use-width";

const MARGIN = { top: 8, right: 24, bottom: 26, left: 52 };
const LABEL_WIDTH = 92;
const MAX_BAR_WIDTH = 44;

export interface Point {
  key: string;
  label: string;
  /** null where there is nothing to tell, as the success rate of a day without payments. */
  value: number | null;
  /** What the pointed-at moment says, after the label. */
  detail: string;
}

interface TimeChartProps {
  title: string;
  kind: "bars" | "line";
  points: readonly Point[];
  height: number;
  max?: number;
  /** What is said while nothing is pointed at. */
  summary: string;
  valueName: string;
  formatTick: (value: number) => string;
}

/**
 * Bars or a line over time. Pointer, touch and the arrow keys move a cursor whose reading stands above the drawing, so
 * nothing floats over the figures; the same numbers are in a table for screen readers.
 */
export function TimeChart({ title, kind, points, height, max, summary, valueName, formatTick }: TimeChartProps) {
  const titleId = useId();
  const [ref, width] = useWidth();
  const [cursor, setCursor] = useState<number | null>(null);
  const active = cursor === null ? undefined : points[cursor];

  const innerWidth = Math.max(0, width - MARGIN.left - MARGIN.right);
  const innerHeight = height - MARGIN.top - MARGIN.bottom;
  const x = scaleBand({ domain: points.map((point) => point.key), range: [0, innerWidth], padding: 0.24 });
  const top = max ?? Math.max(1, ...points.map((point) => point.value ?? 0));
  const y = scaleLinear({ domain: [0, top], range: [innerHeight, 0], nice: max === undefined });
  const center = (point: Point): number => (x(point.key) ?? 0) + x.bandwidth() / 2;
  const barWidth = Math.min(x.bandwidth(), MAX_BAR_WIDTH);
  const labelEvery = Math.max(1, Math.ceil(points.length / Math.max(1, Math.floor(innerWidth / LABEL_WIDTH))));
  const labelled = points.filter((_, index) => (points.length - 1 - index) % labelEvery === 0);
  const labels = new Map(points.map((point) => [point.key, point.label]));

  const point = (event: PointerEvent<SVGRectElement>): void => {
    const offset = event.clientX - event.currentTarget.getBoundingClientRect().left;
    setCursor(clamp(Math.floor((offset / innerWidth) * points.length), points.length));
  };
  const step = (event: KeyboardEvent): void => {
    const last = points.length - 1;
    const moves: Record<string, number> = {
      ArrowLeft: (cursor ?? points.length) - 1,
      ArrowRight: (cursor ?? -1) + 1,
      Home: 0,
      End: last,
    };
    const next = moves[event.key];
    if (next === undefined) return;
    event.preventDefault();
    setCursor(clamp(next, points.length));
  };

  return (
    <figure className={styles.chart}>
      <figcaption className={styles.caption}>
        <h2 id={titleId}>{title}</h2>
        <p className={styles.reading} aria-live="polite">
          {active === undefined ? summary : `${active.label}: ${active.detail}`}
        </p>
      </figcaption>
      <div
        ref={ref}
        className={styles.canvas}
        role="group"
        aria-labelledby={titleId}
        aria-description="Use the left and right arrow keys to read it point by point"
        tabIndex={0}
        onKeyDown={step}
        onBlur={() => setCursor(null)}
      >
        {width > 0 && (
          <svg width={width} height={height} aria-hidden="true">
            <g transform={`translate(${MARGIN.left} ${MARGIN.top})`}>
              {y.ticks(4).map((tick) => (
                <line key={tick} x2={innerWidth} y1={y(tick)} y2={y(tick)} className={styles.gridLine} />
              ))}
              {active !== undefined && (
                <rect
                  x={center(active) - x.step() / 2}
                  width={x.step()}
                  height={innerHeight}
                  className={styles.cursor}
                />
              )}
              {kind === "bars" &&
                points.map((bar) => (
                  <Bar
                    key={bar.key}
                    x={center(bar) - barWidth / 2}
                    y={y(bar.value ?? 0)}
                    width={barWidth}
                    height={innerHeight - y(bar.value ?? 0)}
                    className={styles.bar}
                    data-active={bar === active ? "" : undefined}
                  />
                ))}
              {kind === "line" && <Line points={points} center={center} y={y} active={active} />}
              <AxisLeft
                scale={y}
                numTicks={4}
                hideAxisLine
                hideTicks
                tickFormat={(value) => formatTick(Number(value))}
                tickLabelProps={() => ({ className: styles.tick ?? "", textAnchor: "end", dx: -6, dy: 4 })}
              />
              <AxisBottom
                scale={x}
                top={innerHeight}
                tickValues={labelled.map((labelPoint) => labelPoint.key)}
                hideTicks
                axisLineClassName={styles.baseLine ?? ""}
                tickFormat={(key) => labels.get(key) ?? ""}
                tickLabelProps={() => ({ className: styles.tick ?? "", textAnchor: "middle", dy: 6 })}
              />
              <rect
                width={innerWidth}
                height={innerHeight}
                fill="transparent"
                onPointerMove={point}
                onPointerDown={point}
                onPointerLeave={() => setCursor(null)}
              />
            </g>
          </svg>
        )}
      </div>
      <div className="visually-hidden">
        <table>
          <caption>{title}</caption>
          <thead>
            <tr>
              <th scope="col">Date</th>
              <th scope="col">{valueName}</th>
            </tr>
          </thead>
          <tbody>
            {points.map((row) => (
              <tr key={row.key}>
                <th scope="row">{row.label}</th>
                <td>{row.detail}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </figure>
  );
}

interface LineProps {
  points: readonly Point[];
  center: (point: Point) => number;
  y: (value: number) => number;
  active: Point | undefined;
}

/** Days without a value are passed over: the line joins the days that have one, and a dot marks each when there are few. */
function Line({ points, center, y, active }: LineProps) {
  const known = points.filter((point) => point.value !== null);
  const dotted = known.length <= 40 ? known : known.filter((point) => point === active);
  return (
    <>
      <LinePath data={known} x={center} y={(point) => y(point.value ?? 0)} className={styles.line} fill="none" />
      {dotted.map((point) => (
        <circle
          key={point.key}
          cx={center(point)}
          cy={y(point.value ?? 0)}
          r={point === active ? 5 : 3}
          className={styles.dot}
        />
      ))}
    </>
  );
}

function clamp(index: number, count: number): number {
  return Math.max(0, Math.min(count - 1, index));
}
