import { Search } from "lucide-react";
import { useEffect, useRef, type ReactNode } from "react";
import { Button } from "./button";
import { SelectField, TextField } from "./field";
import styles from "./filter-bar.module.css";
import type { ListState } from "./list-state";
import { useDraft } from "./use-draft";

const TYPING_PAUSE_MS = 300;
const EARLIEST_DATE = "2000-01-01";

export function FilterBar({ state, children }: { state: ListState; children: ReactNode }) {
  return (
    <div className={styles.bar} role="search">
      {children}
      {state.isFiltered && (
        <Button look="quiet" onClick={state.clear} className={styles.clear}>
          Clear filters
        </Button>
      )}
    </div>
  );
}

interface FilterProps {
  state: ListState;
  name: string;
  label: string;
}

type SearchProps = FilterProps & { placeholder: string };

export function SearchFilter(props: SearchProps) {
  return <SearchField key={props.state.clears} {...props} />;
}

/** Typing is sent on when it pauses, not letter by letter. */
function SearchField({ state, name, label, placeholder }: SearchProps) {
  const [text, setDraft] = useDraft(state.filter(name));
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);

  const apply = (value: string): void => {
    clearTimeout(timer.current);
    state.setFilter(name, value.trim());
  };
  return (
    <form
      className={styles.search}
      onSubmit={(event) => {
        event.preventDefault();
        apply(text);
      }}
    >
      <Search size={16} className={styles.searchIcon} aria-hidden="true" />
      <TextField
        label={label}
        type="search"
        placeholder={placeholder}
        value={text}
        maxLength={255}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => {
          const value = event.currentTarget.value;
          setDraft(value);
          clearTimeout(timer.current);
          timer.current = setTimeout(() => apply(value), TYPING_PAUSE_MS);
        }}
      />
    </form>
  );
}

export function SelectFilter({ state, name, label, options }: FilterProps & { options: readonly string[] }) {
  const [value, setDraft] = useDraft(state.filter(name));
  const all = [["", "All"], ...options.map((option) => [option, option] as const)] as const;
  return (
    <SelectField
      label={label}
      value={value}
      options={all}
      onValue={(chosen) => {
        setDraft(chosen);
        state.setFilter(name, chosen);
      }}
    />
  );
}

/** Whole days in UTC, both included. */
export function DateFilters({ state }: { state: ListState }) {
  return (
    <DateRange from={state.filter("from")} to={state.filter("to")} onChange={(name, date) => state.setFilter(name, date)} />
  );
}

interface DateRangeProps {
  from: string;
  to: string;
  onChange: (name: "from" | "to", date: string) => void;
}

export function DateRange({ from, to, onChange }: DateRangeProps) {
  return (
    <>
      <DateField label="From (UTC)" value={from} max={to} onDate={(date) => onChange("from", date)} />
      <DateField label="To (UTC)" value={to} min={from} onDate={(date) => onChange("to", date)} />
    </>
  );
}

interface DateFieldProps {
  label: string;
  value: string;
  min?: string;
  max?: string;
  onDate: (date: string) => void;
}

function DateField({ label, value, min = "", max = "", onDate }: DateFieldProps) {
  const [text, setDraft] = useDraft(value);
  return (
    <TextField
      label={label}
      type="date"
      value={text}
      min={min || EARLIEST_DATE}
      max={max || undefined}
      onChange={(event) => {
        const date = event.currentTarget.value;
        setDraft(date);
        // A year being typed passes through 0002, 0020 and 0202.
        if (date === "" || date >= EARLIEST_DATE) onDate(date);
      }}
    />
  );
}
