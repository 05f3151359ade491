"use strict";

// The page works without this. With it, it shows at once what happens elsewhere.
const source = new EventSource("/events");

source.addEventListener("state", (event) => {
  const state = JSON.parse(event.data);
  for (const [name, value] of Object.entries(state)) {
    for (const element of document.querySelectorAll(`[data-live="${name}"]`)) {
      if (name === "devices" && element.textContent !== String(value)) {
        document.querySelector("[data-changed]").hidden = false;
      }
      element.textContent = value;
    }
  }
});

source.addEventListener("ended", () => {
  source.close();
  document.querySelector("[data-ended]").hidden = false;
});
