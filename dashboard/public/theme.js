try {
  const theme = localStorage.getItem("gateway-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch (error) {
  // Storage can be switched off; the page then follows the system's setting.
  if (!(error instanceof DOMException)) throw error;
}
