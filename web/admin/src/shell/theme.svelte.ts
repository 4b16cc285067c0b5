// The colour scheme: the system's, or the one a person chose, kept in this browser.

export type Theme = 'system' | 'light' | 'dark';
const KEY = 'heliograph.theme';

function kept(): Theme {
  try {
    const value = localStorage.getItem(KEY);
    return value === 'light' || value === 'dark' ? value : 'system';
  } catch {
    return 'system';
  }
}

class ThemeChoice {
  choice = $state<Theme>(kept());
  private dark = matchMedia('(prefers-color-scheme: dark)');
  private system_dark = $state(this.dark.matches);

  constructor() {
    this.dark.addEventListener('change', ({ matches }) => { this.system_dark = matches; });
    this.show();
  }

  /** What is shown now: charts take their colours anew when it changes. */
  get scheme(): 'light' | 'dark' {
    return this.choice === 'system' ? (this.system_dark ? 'dark' : 'light') : this.choice;
  }

  set(choice: Theme): void {
    this.choice = choice;
    this.show();
    try {
      if (choice === 'system') localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, choice);
    } catch {
      // A browser that keeps nothing: the choice lasts as long as the page.
    }
  }

  private show(): void {
    if (this.choice === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = this.choice;
  }
}

export const theme = new ThemeChoice();
