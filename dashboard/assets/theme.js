// Light, dark, or as the system has it. Runs before the page is drawn, so that it never flashes.
(() => {
  const root = document.documentElement;
  root.classList.add('js');

  const stored = () => {
    try {
      return localStorage.getItem('theme');
    } catch {
      return null; // Storage may be denied; then the system decides.
    }
  };

  const apply = (theme) => {
    if (theme === 'light' || theme === 'dark') {
      root.dataset.theme = theme;
    } else {
      delete root.dataset.theme;
    }
  };

  apply(stored());

  document.addEventListener('DOMContentLoaded', () => {
    const select = document.getElementById('theme');
    select.value = root.dataset.theme ?? 'system';
    select.addEventListener('change', () => {
      try {
        localStorage.setItem('theme', select.value);
      } catch {
        // Denied: it holds until the page is left.
      }
      apply(select.value);
    });
  });
})();
