import type { ChartTable as Table } from "./model.ts";
import { words } from "../words.ts";

interface TableProps {
  readonly table: Table;
  readonly title: string;
  readonly height: number;
  readonly onKeyDown: (event: KeyboardEvent) => void;
}

/** A chart's numbers, in the chart's own place and height. */
export function ChartTable({ table, title, height, onKeyDown }: TableProps) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={words.chart.tableOf(title)} style={{ height: `${height}px` }} onKeyDown={onKeyDown}>
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
