import { words } from "../words.ts";
import type { ChartTime } from "./chart.tsx";
import type { ChartModel } from "./model.ts";

interface TableProps {
  readonly model: ChartModel;
  readonly time: ChartTime;
  readonly title: string;
  readonly height: number;
  readonly onKeyDown: (event: KeyboardEvent) => void;
}

const MAX_ROWS = 24;

/** A chart's numbers, in the chart's own place and height. */
export function ChartTable({ model, time, title, height, onKeyDown }: TableProps) {
  // Read on, so that the table keeps up with the line.
  void model.reading.value;
  const table = model.table(time.window(), MAX_ROWS);
  return (
    <div
      class="scroll"
      tabIndex={0}
      role="region"
      aria-label={words.chart.tableOf(title)}
      style={{ height: `${height}px` }}
      onKeyDown={onKeyDown}
    >
      <table>
        <thead>
          <tr>
            {table.heads.map((head, i) => (
              <th key={i} scope="col" class={i ? "n" : ""}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row) => (
            <tr key={row[0]}>
              {row.map((cell, i) => (
                <td key={i} class={i === 0 ? "" : i === 1 ? "n" : "n q"}>
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {table.rows.length === 0 && <p class="q sm">{words.table.none}</p>}
    </div>
  );
}
