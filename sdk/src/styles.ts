/**
 * The modal's look. Every rule hangs on the modal's id and starts from `all: initial`, because class names as common as
 * `modal-content` are styled by many a merchant's own sheet.
 */
const MODAL = "#payment-gateway-modal";

const CSS = `
${MODAL}, ${MODAL} * { all: initial; box-sizing: border-box; color-scheme: light dark }
${MODAL} {
  --pg-surface: #fff; --pg-ink: #1a2233; --pg-muted: #566074; --pg-hover: #eef0f5; --pg-focus: #4353d9;
  display: block; position: fixed; inset: 0; z-index: 2147483647
}
${MODAL} .modal-overlay {
  display: flex; position: absolute; inset: 0; align-items: center; justify-content: center; padding: 16px;
  overflow: auto; overscroll-behavior: contain; background: rgba(13, 18, 32, .6); animation: pg-fade .18s ease-out
}
${MODAL} .modal-content {
  display: block; position: relative; width: 100%; max-width: 440px; height: 560px; max-height: 100%; overflow: hidden;
  border-radius: 16px; background: var(--pg-surface); box-shadow: 0 24px 64px rgba(8, 12, 24, .35);
  animation: pg-rise .22s ease-out
}
${MODAL} iframe { display: block; width: 100%; height: 100%; border: 0; background: transparent }
${MODAL} .close-button {
  display: flex; position: absolute; top: 12px; right: 12px; width: 40px; height: 40px; align-items: center;
  justify-content: center; border-radius: 50%; color: var(--pg-muted); cursor: pointer;
  font: 400 26px/1 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; touch-action: manipulation
}
${MODAL} .close-button:hover { background: var(--pg-hover); color: var(--pg-ink) }
${MODAL} .close-button:focus-visible { outline: 2px solid var(--pg-focus); outline-offset: 1px }
${MODAL} .modal-status {
  display: block; position: absolute; top: 50%; left: 32px; right: 32px; transform: translateY(-50%);
  color: var(--pg-muted); pointer-events: none; text-align: center;
  font: 400 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif
}
@media (prefers-color-scheme: dark) {
  ${MODAL} { --pg-surface: #171c28; --pg-ink: #eef1f7; --pg-muted: #a4aec2; --pg-hover: #262d3d; --pg-focus: #a3adff }
}
@media (max-width: 480px) {
  ${MODAL} .modal-overlay { padding: 0 }
  ${MODAL} .modal-content { max-width: none; height: 100% !important; border-radius: 0 }
}
@media (prefers-reduced-motion: reduce) {
  ${MODAL} .modal-overlay, ${MODAL} .modal-content { animation: none }
}
@keyframes pg-fade { from { opacity: 0 } }
@keyframes pg-rise { from { opacity: 0; transform: translateY(12px) } }
`;

let installed = false;

/**
 * A constructed sheet, not a style element: a merchant's Content-Security-Policy without 'unsafe-inline' leaves it
 * alone. Browsers from before constructed sheets get the element.
 */
export function installStyles(): void {
  if (installed) return;
  installed = true;
  if ("adoptedStyleSheets" in document) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
    return;
  }
  const element = (document as Document).createElement("style");
  element.textContent = CSS;
  (document as Document).head.append(element);
}
