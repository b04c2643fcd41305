import { Monitor, Moon, Sun } from "lucide-react";
import { useState } from "react";

const STORAGE_KEY = "gateway-theme";
const THEMES = ["system", "light", "dark"] as const;
type Theme = (typeof THEMES)[number];

const ICONS = { system: Monitor, light: Sun, dark: Moon };

/** Follows the system until told otherwise; the choice is kept in this browser. */
export function ThemeButton({ className }: { className?: string | undefined }) {
  const [theme, setTheme] = useState<Theme>(currentTheme);
  const Icon = ICONS[theme];
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "system";
  return (
    <button
      type="button"
      className={className}
      aria-label={`Theme: ${theme}. Switch to ${next}`}
      onClick={() => {
        applyTheme(next);
        setTheme(next);
      }}
    >
      <Icon size={16} aria-hidden="true" />
      <span>Theme: {theme}</span>
    </button>
  );
}

function currentTheme(): Theme {
  const theme = document.documentElement.dataset["theme"];
  return theme === "light" || theme === "dark" ? theme : "system";
}

function applyTheme(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
  try {
    if (theme === "system") localStorage.removeItem(STORAGE_KEY);
    else localStorage.setItem(STORAGE_KEY, theme);
  } catch (error) {
    // Storage can be switched off; the choice then lasts as long as the page.
    if (!(error instanceof DOMException)) throw error;
  }
}
