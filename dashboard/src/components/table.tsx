import { ChevronLeft, ChevronRight } from "lucide-react";
import type { ComponentProps, MouseEvent, ReactNode } from "react";
import { MAX_OFFSET } from "../api/queries";
import { formatLocalTime, formatTimestamp } from "../format/dates";
import { formatCount, formatMoney } from "../format/money";
import { IconButton } from "./button";
import styles from "./table.module.css";

interface TableProps extends ComponentProps<"table"> {
  label: string;
  columns: readonly string[];
  /** Shown in place of rows; the table with its headings stays. */
  empty: ReactNode;
  isEmpty: boolean;
  /** What is shown belongs to the previous page or filter while the next one is on its way. */
  stale?: boolean;
}

/**
 * A table that becomes a list of cards on a phone. The roles are written out because browsers drop a table's own when
 * its display changes.
 */
export function Table({ label, columns, children, empty, isEmpty, stale = false, ...rest }: TableProps) {
  return (
    <div className={styles.frame} data-stale={stale ? "" : undefined}>
      <table {...rest} role="table" aria-label={label} aria-busy={stale} className={styles.table}>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map((column) => (
              <th key={column} role="columnheader" scope="col">
                {column === "Actions" ? <span className="visually-hidden">Actions</span> : column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">{children}</tbody>
      </table>
      {isEmpty && empty}
    </div>
  );
}

interface RowProps extends ComponentProps<"tr"> {
  /** For the pointer: a click beside the row's own links and buttons. The keyboard has the id, which is a button. */
  onOpen?: () => void;
}

export function Row({ onOpen, ...rest }: RowProps) {
  if (onOpen === undefined) return <tr role="row" {...rest} />;
  return (
    <tr
      role="row"
      data-opens=""
      onClick={(event) => {
        if (isMeantForRow(event)) onOpen();
      }}
      {...rest}
    />
  );
}

/** Not a control's click, not one inside a menu or dialog that the row has opened, not the end of selecting text. */
function isMeantForRow({ target, currentTarget }: MouseEvent<HTMLTableRowElement>): boolean {
  if (!(target instanceof Element) || !currentTarget.contains(target)) return false;
  return target.closest("a, button") === null && window.getSelection()?.isCollapsed !== false;
}

interface CellProps extends Omit<ComponentProps<"td">, "align"> {
  /** The heading, shown beside the value where the table is a list of cards. */
  label?: string;
  align?: "end";
  testId?: string;
}

export function Cell({ label, align, testId, ...rest }: CellProps) {
  return <td role="cell" data-label={label} data-align={align} data-test-id={testId} {...rest} />;
}

/** The amount in rupees for people, and below it the bare integer that programs use, which alone is the cell's text. */
export function AmountText({ amount, currency }: { amount: number; currency: string }) {
  return (
    <span className={styles.amount} data-formatted={formatMoney(amount, currency)}>
      {amount}
    </span>
  );
}

export function TimeText({ value }: { value: string | null }) {
  if (value === null) return <span className={styles.none}>—</span>;
  return (
    <time dateTime={value} title={formatLocalTime(value)} className={styles.time}>
      {formatTimestamp(value)}
    </time>
  );
}

/** An id that opens what it names. */
export function IdButton(props: ComponentProps<"button">) {
  return <button type="button" {...props} className={styles.idButton} />;
}

interface PagerProps {
  total: number;
  offset: number;
  limit: number;
  onOffset: (offset: number) => void;
}

export function Pager({ total, offset, limit, onOffset }: PagerProps) {
  if (total === 0) return null;
  const last = Math.min(offset + limit, total);
  const next = offset + limit;
  const tooDeep = next < total && next > MAX_OFFSET;
  return (
    <nav className={styles.pager} aria-label="Pages">
      <p aria-live="polite">
        {offset + 1}–{last} of {formatCount(total)}
        {tooDeep && " · narrow the dates to see older ones"}
      </p>
      <div className={styles.pagerButtons}>
        <IconButton label="Previous page" disabled={offset === 0} onClick={() => onOffset(Math.max(0, offset - limit))}>
          <ChevronLeft size={18} aria-hidden="true" />
        </IconButton>
        <IconButton label="Next page" disabled={next >= total || tooDeep} onClick={() => onOffset(next)}>
          <ChevronRight size={18} aria-hidden="true" />
        </IconButton>
      </div>
    </nav>
  );
}
