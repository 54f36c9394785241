"use strict";

// Everything is set as text, never as HTML: names and targets come from clients.
const KEPT_ROWS = 200;
const state = document.getElementById("live-state");
const figures = document.getElementById("live-figures");
const events = document.getElementById("live-events");

function element(name, text, className) {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

function showFigures(statistics) {
  figures.replaceChildren(
    ...Object.entries(statistics).map(([name, value]) => {
      const pair = document.createElement("div");
      pair.append(
        element("dt", name.replaceAll("_", " ")),
        element("dd", value.toLocaleString()),
      );
      return pair;
    }),
  );
}

function showEvent(event) {
  const row = document.createElement("tr");
  row.className = `memory-${event.outcome}`;
  const outcome = event.code || event.outcome;
  const when = new Date(event.at).toLocaleTimeString();
  for (const text of [
    when, event.actor, event.action, event.workspace, event.target, outcome,
  ]) {
    row.append(element("td", text));
  }
  events.prepend(row);
  while (events.rows.length > KEPT_ROWS) events.deleteRow(-1);
}

function connect(waitMs) {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}/ws/live/`);
  let wait = waitMs;
  socket.onopen = () => {
    wait = 1000;
    events.replaceChildren();
    state.textContent = "Connected.";
  };
  socket.onmessage = (message) => {
    const told = JSON.parse(message.data);
    showFigures(told.statistics);
    told.events.forEach(showEvent);
  };
  socket.onclose = () => {
    state.textContent = "Connection lost; trying again…";
    setTimeout(connect, wait, Math.min(wait * 2, 30000));
  };
}

connect(1000);
