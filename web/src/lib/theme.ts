// Light, dark, or as the system says; kept in this browser.

const KEY = 'theme'
const THEMES = ['light dark', 'light', 'dark']

const kept = (): string => THEMES.find((theme) => theme === localStorage.getItem(KEY)) ?? 'light dark'

/** Show the page in the theme chosen before. */
export function applyTheme (): void { document.documentElement.style.colorScheme = kept() }

/** Go on to the next theme. */
export function nextTheme (): void {
  localStorage.setItem(KEY, THEMES[(THEMES.indexOf(kept()) + 1) % THEMES.length] ?? 'light dark')
  applyTheme()
}
