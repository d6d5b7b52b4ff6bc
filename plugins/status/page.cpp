#include "plugins/status/page.h"

namespace swage::plugins::status {
namespace {

// Everything that the server says comes in by textContent: names of zones and of peers may be anything.
constexpr std::string_view kPage = R"html(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>swage</title>
<link rel="icon" href="data:,">
<style nonce="@NONCE@">
:root {
  color-scheme: light dark;
  --back: #f6f7f9; --card: #ffffff; --text: #1b1f24; --soft: #57606a; --line: #d5dae0;
  --good: #116329; --bad: #a40e26; --bad-back: #ffebe9; --bar: #d8e8ff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #0e1116; --card: #171b22; --text: #e6eaef; --soft: #9aa5b1; --line: #303741;
    --good: #57d27b; --bad: #ff8f8f; --bad-back: #3a1418; --bar: #1f4673;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
header, main, footer { max-width: 76rem; margin: 0 auto; padding: 0 1rem; }
header { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; align-items: baseline; padding-top: 1rem; }
h1 { font-size: 1.4rem; margin: 0; }
h2 { font-size: 1.05rem; margin: 0 0 .5rem; }
h3 { font-size: .9rem; margin: 0 0 .25rem; color: var(--soft); }
p { margin: 0; }
.soft { color: var(--soft); }
section, .verdict { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; margin: 1rem 0; padding: .9rem 1rem; }
.verdict { font-weight: 600; color: var(--good); }
.verdict.wrong { color: var(--bad); background: var(--bad-back); border-color: var(--bad); }
.verdict ul { margin: 0; padding-left: 1.2rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; vertical-align: top; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
th { color: var(--soft); font-weight: 600; font-size: .85rem; border-top: 0; white-space: nowrap; }
td { font-variant-numeric: tabular-nums; }
.bad { color: var(--bad); font-weight: 600; }
.four { display: grid; grid-template-columns: repeat(auto-fit, minmax(14rem, 1fr)); gap: 1rem; }
ol { list-style: none; margin: 0; padding: 0; }
ol li { position: relative; display: flex; justify-content: space-between; gap: .5rem; padding: .1rem .4rem; overflow-wrap: anywhere; min-width: 0; }
ol li span { position: relative; min-width: 0; }
ol li span:last-child { white-space: nowrap; }
ol li .bar { position: absolute; inset: 1px auto 1px 0; background: var(--bar); border-radius: .2rem; }
footer { padding-bottom: 2rem; }
@media (max-width: 40rem) {
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tr { display: block; border-top: 1px solid var(--line); padding: .35rem 0; }
  td { display: flex; gap: .75rem; border: 0; padding: .1rem 0; }
  td::before { content: attr(data-label); flex: 0 0 7.5rem; color: var(--soft); font-size: .85rem; }
  td:empty { display: none; }
}
</style>
</head>
<body>
<header>
<h1>swage</h1>
<p class="soft" id="server">asking …</p>
</header>
<main>
<div class="verdict" id="verdict" role="status" aria-live="polite"></div>
<section aria-labelledby="h-processes"><h2 id="h-processes">Processes</h2><div id="processes"></div></section>
<section aria-labelledby="h-traffic" id="s-traffic" hidden><h2 id="h-traffic">Who asks what</h2><p class="soft" id="rate"></p>
<div class="four">
<div><h3>Names</h3><ol id="names"></ol></div>
<div><h3>Types</h3><ol id="types"></ol></div>
<div><h3>Responses</h3><ol id="rcodes"></ol></div>
<div><h3>Clients</h3><ol id="clients"></ol></div>
</div></section>
<section aria-labelledby="h-zones" id="s-zones" hidden><h2 id="h-zones">Zones</h2><div id="zones"></div><p class="soft" id="more-zones"></p></section>
<section aria-labelledby="h-registrations" id="s-registrations" hidden><h2 id="h-registrations">Registrations</h2><div id="registrations"></div></section>
<section aria-labelledby="h-challenges" id="s-challenges" hidden><h2 id="h-challenges">Challenges</h2><div id="challenges"></div></section>
<section aria-labelledby="h-fleet" id="s-fleet" hidden><h2 id="h-fleet">Fleet</h2><div id="fleet"></div></section>
<section aria-labelledby="h-certificates" id="s-certificates" hidden><h2 id="h-certificates">Certificates</h2><div id="certificates"></div></section>
<section aria-labelledby="h-keys" id="s-keys" hidden><h2 id="h-keys">Keys</h2><div id="keys"></div></section>
<section aria-labelledby="h-serves"><h2 id="h-serves">Serves</h2><ul id="serves"></ul></section>
</main>
<footer class="soft"><p>The page asks for news every two seconds. Times are those of the server, in UTC.</p></footer>
<script nonce="@NONCE@">
"use strict";
const id = name => document.getElementById(name);
const make = (tag, text, kind) => {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (kind) element.className = kind;
  return element;
};
const span = seconds => {
  if (seconds < 120) return Math.max(0, Math.round(seconds)) + " s";
  if (seconds < 7200) return Math.floor(seconds / 60) + " min";
  if (seconds < 172800) return Math.floor(seconds / 3600) + " h";
  return Math.floor(seconds / 86400) + " days";
};
let now = 0;
const ago = time => time ? span(now - time) : "";
const when = time => !time ? "" : time > now ? "in " + span(time - now) : span(now - time) + " ago";
const clock = time => new Date(time).toISOString().slice(0, 19).replace("T", " ");
const bytes = count => (count / 1e6).toFixed(1) + " MB";
const states = {T: "stopped", t: "stopped", Z: "ended", X: "ended", R: "busy", "?": "unknown"};

// columns: [head, function of an item that gives a text, or [text, is it bad]]
function table(place, items, columns) {
  const text = (of, item) => {
    const value = of(item);
    return String((Array.isArray(value) ? value[0] : value) ?? "");
  };
  columns = columns.filter(([, of]) => items.some(item => text(of, item)));  // what nobody has is left out
  const whole = make("table"), head = make("thead"), body = make("tbody"), row = make("tr");
  for (const [name] of columns) {
    const cell = make("th", name);
    cell.scope = "col";
    row.append(cell);
  }
  head.append(row);
  for (const item of items) {
    const line = make("tr");
    for (const [name, of] of columns) {
      const value = of(item), bad = Array.isArray(value) && value[1];
      const cell = make("td", text(of, item), bad ? "bad" : "");
      cell.dataset.label = name;
      line.append(cell);
    }
    body.append(line);
  }
  whole.append(head, body);
  const scroll = make("div", undefined, "scroll");
  scroll.append(whole);
  id(place).replaceChildren(scroll);
  const section = id("s-" + place);
  if (section) section.hidden = items.length === 0;
}

function bars(place, items) {
  const most = Math.max(1, ...items.map(each => each.count));
  const all = Math.max(1, items.reduce((sum, each) => sum + each.count, 0));
  id(place).replaceChildren(...items.map(each => {
    const line = make("li"), bar = make("div", undefined, "bar");
    bar.style.width = 100 * each.count / most + "%";
    line.append(bar, make("span", each.what), make("span", Math.round(100 * each.count / all) + " %"));
    return line;
  }));
}

function verdict(problems) {
  const place = id("verdict");
  const said = problems.join("\n") || "All is well.";
  if (place.dataset.said === said) return;  // so that it is read aloud once
  place.dataset.said = said;
  place.className = problems.length ? "verdict wrong" : "verdict";
  const list = make("ul");
  list.append(...problems.map(each => make("li", each)));
  place.replaceChildren(problems.length ? list : document.createTextNode(said));
}

function show(data) {
  now = data.now;
  const server = data.server;
  id("server").textContent = `${server.version}, running for ${ago(server.started)}; ${server.corefile}: configuration ` +
    `${server.configuration}, in force for ${ago(server.configured)}`;
  verdict(data.problems);
  document.title = (data.problems.length ? `(${data.problems.length}) ` : "") + "swage";
  table("processes", data.processes, [
    ["Process", each => each.name], ["PID", each => each.pid],
    ["State", each => [states[each.state] ?? "waits", "TtZX?".includes(each.state)]],
    ["Runs for", each => ago(each.started)], ["CPU", each => each.cpu.toFixed(2) + " s"],
    ["Memory", each => bytes(each.memory)], ["Configuration", each => each.configuration || ""]]);
  table("zones", data.zones, [
    ["Zone", each => each.name + (each.view ? ` (${each.view})` : "")], ["Serial", each => each.serial],
    ["Records", each => each.records],
    ["Signatures end", each => each.signed === false ? "not signed"
      : [when(each.signatures_expire), each.signatures_expire < now + 86400]],
    ["Checked", each => when(each.checked)], ["Expires", each => when(each.expires)],
    ["Problem", each => [each.problem ?? (each.loaded ? "" : "not served"), true]]]);
  id("more-zones").textContent = data.zones_all > data.zones.length ? `${data.zones_all} in all` : "";
  table("registrations", data.registrations, [
    ["Time", each => clock(each.at)], ["Result", each => [each.result, each.result !== "200"]],
    ["Took", each => each.took + " ms"], ["From", each => each.client], ["Peer", each => each.peer],
    ["Why", each => each.why]]);
  table("challenges", data.challenges, [
    ["Store", each => each.store], ["Live", each => each.live], ["Capacity", each => each.capacity],
    ["Shared", each => each.shared ? "yes" : "no"], ["Takes new ones", each => each.accepts ? "yes" : ["no", true]]]);
  table("fleet", data.fleet, [["Store", each => each.store], ["Server", each => each.name], ["State", each => each.state]]);
  table("certificates", data.certificates, [
    ["Names", each => each.names], ["By", each => each.by],
    ["Ends", each => each.expires ? [when(each.expires), each.expires < now] : ["none yet", true]],
    ["Renewal", each => when(each.renewal)], ["Problem", each => [each.problem ?? "", true]]]);
  table("keys", data.keys, [
    ["Zone", each => each.zone], ["Role", each => each.role], ["Algorithm", each => each.algorithm],
    ["Tag", each => each.tag], ["Stage", each => each.stage], ["Next", each => each.next]]);
  id("s-traffic").hidden = !data.traffic;
  if (data.traffic) {
    id("rate").textContent = data.traffic.rate.toFixed(1) + " queries a second";
    for (const each of ["names", "types", "rcodes", "clients"]) bars(each, data.traffic[each]);
  }
  id("serves").replaceChildren(...server.serves.map(each => make("li", each)));
}

async function ask() {
  try {
    const response = await fetch("status.json", {cache: "no-store", signal: AbortSignal.timeout(5000)});
    if (!response.ok) throw new Error(String(response.status));
    show(await response.json());
  } catch {
    verdict(["The server does not answer: what is below is as it was."]);
  }
  setTimeout(ask, 2000);
}
ask();
</script>
</body>
</html>
)html";

constexpr std::string_view kNonce = "@NONCE@";

}  // namespace

std::string page(std::string_view nonce) {
  std::string text(kPage);
  for (std::size_t at = 0; (at = text.find(kNonce, at)) != std::string::npos; at += nonce.size()) {
    text.replace(at, kNonce.size(), nonce);
  }
  return text;
}

}  // namespace swage::plugins::status
