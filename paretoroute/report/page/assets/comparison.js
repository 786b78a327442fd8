// Draws the charts of a comparison from the figures in the page, and lets routers be hidden and kinds of query be chosen.
// d3 and Plot are the vendored libraries above.
"use strict";
(() => {
const comparison = JSON.parse(document.getElementById("comparison").textContent);
const {curves, small_first: smallFirst, calibration} = comparison.details;
const COLOURS = 6, DASHES = ["", "6 3", "2 3", "8 3 2 3"];
const thousand = (usd) => 1000 * usd;
const dollars = (value) => `$${value === 0 ? "0" : d3.format(Math.abs(value) >= 1 ? ",.2f" : ",.3~r")(value)}`;
const tick = (value) => `$${d3.format(",~r")(value)}`;
const points = d3.format("+.2f"), quality = d3.format(".3f"), percent = d3.format(".0%");
const ends = (interval, format) => `[${format(interval.low)}, ${format(interval.high)}]`;

// Routers in the order of the table. The default is drawn in ink and controls in grey; others differ in colour and dash.
// The oracle is so far above all others that their curves would be one band: it is hidden at first.
const ORACLE = "oracle";
const byName = new Map(curves.map((curve) => [curve.name, curve]));
const names = [...new Set([...comparison.rows.map((row) => row.name), ...byName.keys()])].filter((name) => byName.has(name));
const gains = new Map(comparison.rows.map((row) => [row.name, row.fair_gain.value]));
const counts = {systems: 0, controls: 0};
function style(isDefault, kind) {
  if (isDefault) return {colour: "var(--ink)", dash: "", width: 3};
  if (kind === "control") return {colour: "var(--quiet)", dash: DASHES[counts.controls++ % DASHES.length], width: 1.6};
  const place = counts.systems++;
  return {colour: `var(--m${place % COLOURS})`, dash: DASHES[Math.floor(place / COLOURS) % DASHES.length], width: 1.6};
}
const routers = names.map((name) => {
  const curve = byName.get(name), isDefault = name === curves[0].name;
  const router = {name, isDefault, ...style(isDefault, curve.kind), isShown: name !== ORACLE};
  router.results = curve.targets.map((result, target) => ({router, name, colour: router.colour, target, ...flat(result)}));
  return router;
});

function flat({target_usd, cost_usd, quality: got, small_share, loss}) {
  return {
    asked: thousand(target_usd), cost: thousand(cost_usd.value), costEnds: cost_usd,
    costLow: thousand(cost_usd.low), costHigh: thousand(cost_usd.high),
    quality: got.value, qualityEnds: got, low: got.low, high: got.high,
    share: small_share, over: -loss.value, overLow: -loss.high, overHigh: -loss.low,
  };
}

const shown = () => routers.filter((router) => router.isShown);
const results = () => shown().flatMap((router) => router.results);
const ofDefault = () => results().filter((result) => result.router.isDefault);
const curveTitle = (result) => [
  result.name,
  `${dollars(result.cost)} per 1,000 queries [${dollars(result.costLow)}, ${dollars(result.costHigh)}]`,
  `quality ${quality(result.quality)} ${ends(result.qualityEnds, quality)}`,
  `asked: ${dollars(result.asked)}`,
].join("\n");
const shareTitle = (result) => [
  result.name,
  `${percent(result.share)} of the calls to small points`,
  `${points(result.over)} [${points(result.overLow)}, ${points(result.overHigh)}] points over the best single`,
  `${dollars(result.cost)} per 1,000 queries`,
].join("\n");

const lines = (x, y) => shown().map((router) => Plot.lineY(router.results, {
  x, y, stroke: router.colour, strokeWidth: router.width, strokeDasharray: router.dash || undefined,
  strokeOpacity: router.isDefault || shown().length <= 8 ? 1 : 0.7,
}));
const tip = (data, channels, pointer) => {
  const options = {...channels, fontSize: 12, lineHeight: 1.3, textPadding: 8, maxRadius: 40};
  return Plot.tip(data, pointer ? Plot.pointer(options) : options);
};
const frame = (width, height, caption, rest) => ({
  width, height, marginTop: 30, marginLeft: 50, marginBottom: 40, ariaLabel: document.getElementById(caption).textContent,
  style: {fontSize: "12px", fontFamily: "inherit", background: "none"}, ...rest,
});
// A logarithmic axis has no place for free calls. Its ticks are round numbers, as many as there is room for.
function costAxis(values, room) {
  const [low, high] = d3.extent(values), axis = {grid: true, tickFormat: tick};
  if (!(low > 0)) return {...axis, type: "linear", ticks: room};
  const decades = d3.range(Math.floor(Math.log10(low)), Math.ceil(Math.log10(high)) + 1);
  const marked = (digits) => decades.flatMap((decade) => digits.map((digit) => Number(`${digit}e${decade}`)))
    .filter((value) => value >= low && value <= high);
  const choices = [[1, 1.5, 2, 3, 4, 5, 6, 8], [1, 2, 3, 5, 8], [1, 2, 5], [1, 3], [1]].map(marked);
  return {...axis, type: "log", ticks: choices.find((ticks) => ticks.length <= room) ?? choices.at(-1)};
}

function drawCurves(width, active) {
  const data = results(), few = shown().length <= 6;
  const ends = {x: "cost", y1: "low", y2: "high", stroke: "colour"};
  const best = [{x: thousand(comparison.best_single_cost_usd), y: comparison.best_single_quality}];
  return Plot.plot(frame(width, Math.round(Math.max(320, Math.min(560, 0.55 * width))), "curves-caption", {
    x: {...costAxis([...data, {cost: best[0].x}].map((d) => d.cost), width / 70), label: "mean cost, USD per 1,000 queries"},
    y: {label: "mean quality", grid: true, nice: true},
    color: {type: "identity"},
    marks: [
      Plot.areaY(ofDefault(), {x: "cost", y1: "low", y2: "high", fill: "var(--ink)", fillOpacity: 0.1}),
      few ? Plot.ruleX(data, {...ends, strokeOpacity: 0.45}) : null,
      lines("cost", "quality"),
      Plot.dot(data, {x: "cost", y: "quality", fill: "colour", r: (d) => (d.router.isDefault ? 3.5 : 2.5), ariaLabel: "name"}),
      Plot.dot(best, {x: "x", y: "y", symbol: "diamond", r: 6, fill: "var(--paper)", stroke: "var(--ink)", strokeWidth: 1.5}),
      Plot.text(best, {x: "x", y: "y", text: () => "best single point", dy: 16, dx: -6, textAnchor: "end", fill: "var(--ink)",
        stroke: "var(--paper)", strokeWidth: 4}),
      Plot.ruleX(data, Plot.pointer({...ends, px: "cost", py: "quality", strokeWidth: 2.5, maxRadius: 40})),
      Plot.ruleX(active, {...ends, strokeWidth: 2.5}),
      Plot.dot(active, {x: "cost", y: "quality", r: 7, stroke: "var(--ink)", strokeWidth: 2}),
      tip(active, {x: "cost", y: "quality", title: curveTitle}, false),
      tip(data, {x: "cost", y: "quality", title: curveTitle}, true),
    ],
  }));
}

function drawSmallFirst(width, active) {
  const data = results();
  const marked = [smallFirst.default].filter((policy) => policy !== null && byName.has(policy.router))
    .map((policy) => ({x: policy.small_share, y: -policy.loss.value, low: -policy.loss.high, high: -policy.loss.low}));
  return Plot.plot(frame(width, Math.round(Math.max(300, Math.min(460, 0.45 * width))), "small-first-caption", {
    x: {label: "share of calls to small points", tickFormat: percent, grid: true, domain: [0, 1], ticks: Math.max(3, width / 90)},
    y: {label: "quality points over the best single point", grid: true, nice: true},
    color: {type: "identity"},
    marks: [
      Plot.ruleY([0], {stroke: "var(--ink)"}),
      Plot.areaY(ofDefault(), {x: "share", y1: "overLow", y2: "overHigh", fill: "var(--ink)", fillOpacity: 0.1}),
      lines("share", "over"),
      Plot.dot(data, {x: "share", y: "over", fill: "colour", r: (d) => (d.router.isDefault ? 3.5 : 2.5), ariaLabel: "name"}),
      Plot.dot(marked, {x: "x", y: "y", symbol: "star", r: 8, fill: "var(--ink)", stroke: "var(--paper)"}),
      Plot.dot(active, {x: "share", y: "over", r: 7, stroke: "var(--ink)", strokeWidth: 2}),
      tip(active, {x: "share", y: "over", title: shareTitle}, false),
      tip(data, {x: "share", y: "over", title: shareTitle}, true),
    ],
  }));
}

function drawAgreement(width, caption, rows, {axis, x, y, title}) {
  const [low, high] = d3.extent(rows.flatMap((row) => [row.x, row.y, row.low, row.high]));
  const span = axis.type === "log" ? [low / 1.1, high * 1.1] : [low - 0.02 * (high - low), high + 0.02 * (high - low)];
  return Plot.plot(frame(width, Math.round(Math.min(width, 420) * 0.85), caption, {
    marginLeft: 60, marginRight: 16,
    x: {grid: true, ticks: 4, ...axis, domain: span, label: x}, y: {grid: true, ticks: 5, ...axis, domain: span, label: y},
    marks: [
      Plot.line([span[0], span[1]], {x: (d) => d, y: (d) => d, stroke: "var(--quiet)", strokeDasharray: "4 3"}),
      Plot.ruleX(rows, {x: "x", y1: "low", y2: "high", stroke: "var(--m0)", clip: true}),
      Plot.dot(rows, {x: "x", y: "y", fill: "var(--m0)", r: 3.5}),
      tip(rows, {x: "x", y: "y", title}, true),
    ],
  }));
}

const binRows = (bins, scale) => bins.map(({forecast, outcome, cells}) => (
  {x: scale(forecast), y: scale(outcome.value), low: scale(outcome.low), high: scale(outcome.high), cells}));
const costScale = (rows) => costAxis(rows.flatMap((row) => [row.x, row.y]), 4);
const positive = (rows) => rows.map((row) => ({...row, low: Math.max(row.low, 1e-3 * row.y)}));

function drawQuality(width) {
  const rows = binRows(calibration.quality, (value) => value);
  const title = (d) => `forecast ${quality(d.x)}\nlogged ${quality(d.y)} ${ends(d, quality)}\n${d.cells} calls`;
  return drawAgreement(width, "quality-calibration-caption", rows, {axis: {}, x: "forecast", y: "logged", title});
}

function drawCost(width) {
  const rows = positive(binRows(calibration.cost_usd, thousand));
  const title = (d) => `forecast ${dollars(d.x)}\nlogged ${dollars(d.y)} ${ends(d, dollars)}\n${d.cells} calls`;
  return drawAgreement(width, "cost-calibration-caption", rows, {axis: costScale(rows), x: "forecast", y: "logged", title});
}

function drawSpending(width) {
  const rows = positive(curves[0].targets.map(({target_usd, cost_usd}) => (
    {x: thousand(target_usd), y: thousand(cost_usd.value), low: thousand(cost_usd.low), high: thousand(cost_usd.high)})));
  const title = (d) => `asked ${dollars(d.x)}\nspent ${dollars(d.y)} ${ends(d, dollars)}`;
  return drawAgreement(width, "spending-caption", rows, {axis: costScale(rows), x: "asked", y: "spent", title});
}

const CHARTS = {
  "curves-chart": {draw: drawCurves, ofRouters: true},
  "small-first-chart": {draw: drawSmallFirst, ofRouters: true},
  "quality-calibration-chart": {draw: drawQuality},
  "cost-calibration-chart": {draw: drawCost},
  "spending-chart": {draw: drawSpending},
};
const status = d3.create("p").attr("class", "quiet").attr("role", "status").node();
let active = null;

function redraw(onlyRouters = false) {
  for (const [id, {draw, ofRouters}] of Object.entries(CHARTS)) {
    const host = document.getElementById(id);
    if (host === null || (onlyRouters && !ofRouters)) continue;
    const chart = draw(Math.max(260, host.clientWidth), active === null ? [] : [active]);
    chart.setAttribute("role", "img");
    name(chart);
    new MutationObserver(() => name(chart)).observe(chart, {childList: true, subtree: true});
    if (ofRouters) chart.addEventListener("click", () => chart.value && hide(chart.value.router));
    host.replaceChildren(chart);
  }
}

// Plot labels its groups for styling; a picture's parts have no role, and so may have no label that is read.
function name(chart) {
  chart.querySelectorAll("[aria-label]").forEach((part) => {
    part.dataset.mark = part.getAttribute("aria-label");
    part.removeAttribute("aria-label");
  });
}

function hide(router) {
  if (shown().length === 1) return;
  show((other) => other !== router && other.isShown);
  status.textContent = `${router.name} is hidden; its box above the chart shows it again.`;
}

function show(choose) {
  routers.forEach((router) => { router.isShown = choose(router); });
  document.querySelectorAll("#legend input").forEach((box, i) => { box.checked = routers[i].isShown; });
  if (active !== null && !active.router.isShown) active = null;
  redraw(true);
}

// Arrow keys move along a router's results and between routers; Delete hides the router, Escape ends it.
function move(event) {
  const list = shown(), steps = {ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0]};
  if (event.key === "Escape") active = null;
  else if (event.key === "Delete" && active !== null) return hide(active.router);
  else if (!(event.key in steps) || list.length === 0) return;
  else if (active === null) active = (list.find((router) => router.isDefault) ?? list[0]).results[0];
  else {
    const [across, along] = steps[event.key];
    const router = list[(list.indexOf(active.router) + across + list.length) % list.length];
    active = router.results[Math.max(0, Math.min(router.results.length - 1, active.target + along))];
  }
  event.preventDefault();
  redraw(true);
  const title = event.currentTarget.id === "small-first-chart" ? shareTitle : curveTitle;
  status.textContent = active === null ? "" : title(active).replaceAll("\n", ", ");
}

function addLegend() {
  const place = d3.select("#legend"), box = place.append("fieldset");
  box.append("legend").text("Routers and their gains");
  const best = routers.filter((router) => !router.isDefault && router.name !== ORACLE).slice(0, 5);
  const choices = [
    ["all", () => true],
    ["default and the best five", (router) => router.isDefault || best.includes(router)],
    ["default only", (router) => router.isDefault],
  ];
  for (const [text, choose] of choices) {
    box.append("button").attr("type", "button").text(text).on("click", () => show(choose));
  }
  const label = box.append("div").attr("class", "legend").selectAll("label").data(routers).join("label");
  label.append("input").attr("type", "checkbox").property("checked", (router) => router.isShown)
    .on("change", (event, router) => show((other) => (other === router ? event.target.checked : other.isShown)));
  label.append("svg").attr("width", 28).attr("height", 10).attr("aria-hidden", "true").append("line")
    .attr("x1", 0).attr("x2", 28).attr("y1", 5).attr("y2", 5).attr("stroke-width", (r) => r.width)
    .style("stroke", (r) => r.colour).attr("stroke-dasharray", (r) => r.dash || null);
  label.append("span").text((r) => r.name);
  label.append("span").attr("class", "number").text((r) => (gains.has(r.name) ? points(gains.get(r.name)) : ""));
  place.append("p").attr("class", "quiet").attr("id", "keys").text(
    "Point at a result for its figures, click it to hide its router. By keyboard: arrow keys in the chart, Delete, Escape.");
  place.node().append(status);
}

function addKindChoice() {
  const parts = [...document.querySelectorAll("#surface .part")];
  if (parts.length < 2) return;
  const label = d3.select("#kind-of-query").append("label").text("Kind of query: ");
  const select = label.append("select").on("change", (event) => choose(Number(event.target.value)));
  const {parts: kinds} = comparison.details.surface;
  select.selectAll("option").data(kinds).join("option").attr("value", (_, i) => i)
    .text((part) => `${part.tag ?? "all"} (${part.queries} queries)`);
  const choose = (place) => parts.forEach((part, i) => { part.hidden = i !== place; part.open = i === place; });
  choose(0);
}

addLegend();
addKindChoice();
for (const [id, {ofRouters}] of Object.entries(CHARTS)) {
  const host = document.getElementById(id);
  if (host === null || !ofRouters) continue;
  d3.select(host).attr("tabindex", 0).attr("role", "group").attr("aria-describedby", "keys")
    .attr("aria-labelledby", id.replace(/chart$/, "caption")).on("keydown", move);
}
let width = 0;
new ResizeObserver(() => {
  if (document.body.clientWidth !== width) { width = document.body.clientWidth; redraw(); }
}).observe(document.body);
const folded = () => document.querySelectorAll("details:not([open]):not([hidden])");
let opened = [];
addEventListener("beforeprint", () => { opened = [...folded()]; opened.forEach((one) => { one.open = true; }); });
addEventListener("afterprint", () => opened.forEach((one) => { one.open = false; }));
})();
