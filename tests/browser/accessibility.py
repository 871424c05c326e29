"""What the tests of accessibility share: the screens, and how faults are found."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

__all__ = ["CARRIED", "PHONE", "VIEWS", "faults", "focused", "poor_contrasts"]

DESK = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 360, "height": 640}, "has_touch": True, "is_mobile": True}
CARRIED = "a lake\nSteps: 4, Seed: 1, CFG scale: 3"
VIEWS = [
    size | {"color_scheme": theme, "reduced_motion": "reduce"}
    for size in (DESK, PHONE)
    for theme in ("light", "dark")
]


def faults(page: Page) -> list[str]:
    """Return what axe-core finds wrong with the page in its current state."""
    # Nothing is judged during a transition of colours.
    page.evaluate("Promise.all(document.getAnimations().map((each) => each.finished))")
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:120]} {node['failureSummary']}"
        for rule in found
        for node in rule["nodes"]
    ]


def focused(page: Page) -> str:
    """Return the name of the focused element."""
    name: str = page.evaluate(
        "(({id, ariaLabel, textContent}) => id || ariaLabel || textContent.trim())"
        "(document.activeElement)"
    )
    return name


def poor_contrasts(page: Page) -> list[str]:
    """Return the visible texts with a contrast below 4.5 to 1 (WCAG 2.2, 1.4.3)."""
    found: list[str] = page.evaluate(_CONTRAST)
    return found


_CONTRAST = """() => {
  const channel = (v) => ((v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const numbers = (colour) => colour.match(/[0-9.]+/g).map(Number);
  const ground = (element) => {
    for (; element; element = element.parentElement) {
      const colour = numbers(getComputedStyle(element).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !element.checkVisibility() || element.closest(".sr-only, option")) continue;
    const [a, b] = [numbers(getComputedStyle(element).color), ground(element)].map(light);
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) poor.push(`${contrast.toFixed(2)} ${element.outerHTML.slice(0, 80)}`);
  }
  return poor;
}"""
