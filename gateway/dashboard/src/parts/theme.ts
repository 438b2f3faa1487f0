/** Light, dark, or as the system has it; kept in this browser. */

import { useEffect, useState } from "react";

export const THEMES = ["light", "system", "dark"] as const;
export type Theme = (typeof THEMES)[number];
const KEY = "tidings-theme";

export function useTheme(): [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState<Theme>(kept);
  useEffect(() => {
    const system = window.matchMedia("(prefers-color-scheme: dark)");
    const show = () => {
      const dark = theme === "dark" || (theme === "system" && system.matches);
      document.documentElement.dataset.theme = dark ? "dark" : "light";
    };
    show();
    localStorage.setItem(KEY, theme);
    system.addEventListener("change", show);
    return () => system.removeEventListener("change", show);
  }, [theme]);
  return [theme, setTheme];
}

function kept(): Theme {
  const found = localStorage.getItem(KEY);
  return THEMES.find((theme) => theme === found) ?? "system";
}
