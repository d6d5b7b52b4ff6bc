#include "tests/support/peers.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include "tests/support/dns_message.h"

#include <catch2/catch.hpp>

namespace swage::tests {
namespace {

constexpr Milliseconds kStartPatience{20000};

// NOERROR to a question for the SOA: the zone is loaded; or the resolver resolves.
bool answers(const Endpoint& server, const std::string& name) {
  const auto answer = ask_udp(server, encode({.name = name, .type = "SOA", .flags = kRd}), Milliseconds(500));
  if (!answer) return false;
  const Result<Decoded> decoded = decode(*answer);
  return decoded && decoded->rcode == 0 && !decoded->answer.empty();
}

std::vector<std::string> names_of(const std::vector<ServedZone>& zones) {
  std::vector<std::string> names;
  for (const ServedZone& zone : zones) names.push_back(zone.name);
  return names;
}

std::string made(const Folder& folder, std::string_view name) {
  std::filesystem::create_directories(folder.file(name));
  return folder.file(name);
}

}  // namespace

bool have_peer(std::string_view program) {
  if (installed(program)) return true;
  const std::string text = fmt::format("SKIPPED: {} is not installed", program);
  std::fprintf(stderr, "%s\n", text.c_str());
  const char* ci = std::getenv("CI");
  if (ci != nullptr && std::string_view(ci) == "true") FAIL(text);
  WARN(text);
  return false;
}

unsigned number_from(const char* variable, unsigned otherwise) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? otherwise : static_cast<unsigned>(std::stoul(text));
}

Result<Peer> Peer::start(Port port, const Command& command, const std::vector<std::string>& names) {
  Peer peer(std::move(port));
  TRY(peer.process_, Process::start(command));
  for (const std::string& name : names) {
    const auto ready = [&] { return answers(peer.endpoint(), name) || !peer.process_.running(); };
    if (wait_until(ready, kStartPatience) && peer.process_.running()) continue;
    return fail("{} does not answer for {}:\n{}", command.arguments[0], name, peer.log());
  }
  return peer;
}

Result<Peer> Peer::knot(const Folder& folder, const std::vector<ServedZone>& zones, const std::string& more,
                        const std::string& of_zones) {
  Port port;
  std::string config = fmt::format(R"(
server:
  listen: 127.0.0.1@{}
  rundir: {}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
database:
  storage: {}
log:
  - target: stderr
    any: warning
{}zone:
)",
                                   port.number(), made(folder, "knot"), made(folder, "knot"), more);
  for (const ServedZone& zone : zones) {
    config += fmt::format("  - domain: {}\n    file: {}\n{}", zone.name, zone.file, of_zones);
  }
  const Command command{.arguments = {"knotd", "-c", folder.write("knot.conf", config)}};
  return start(std::move(port), command, names_of(zones));
}

Result<Peer> Peer::nsd(const Folder& folder, const std::vector<ServedZone>& zones) {
  Port port;
  const std::string own = made(folder, "nsd");
  std::string config = fmt::format(R"(
server:
  ip-address: 127.0.0.1@{}
  server-count: 1
  username: ""
  database: ""
  zonesdir: "{}"
  pidfile: "{}/pid"
  xfrdfile: "{}/xfrd.state"
  zonelistfile: "{}/zone.list"
  xfrdir: "{}"
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
  tcp-timeout: 60
remote-control:
  control-enable: no
)",
                                   port.number(), own, own, own, own, own);
  for (const ServedZone& zone : zones) {
    config += fmt::format("zone:\n  name: \"{}\"\n  zonefile: \"{}\"\n", zone.name, zone.file);
  }
  const Command command{.arguments = {"nsd", "-d", "-c", folder.write("nsd.conf", config)}};
  return start(std::move(port), command, names_of(zones));
}

Result<Peer> Peer::unbound(const Folder& folder, const Resolving& resolving) {
  Port port;
  std::string config =
      fmt::format(R"(
server:
  interface: 127.0.0.1
  port: {}
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{}"
  pidfile: ""
  use-syslog: no
  num-threads: 1
  do-not-query-localhost: no
  use-caps-for-id: yes
  qname-minimisation: yes
  qname-minimisation-strict: yes
  local-zone: "test." nodefault
  val-log-level: 2
  module-config: "{}"
remote-control:
  control-enable: no
stub-zone:
  name: "."
  stub-addr: {}@{}
)",
                  port.number(), folder.path(), resolving.anchors.empty() ? "iterator" : "validator iterator",
                  resolving.authority.address.to_string(), resolving.authority.port);
  for (const std::string& zone : resolving.zones) {
    config += fmt::format("stub-zone:\n  name: \"{}\"\n  stub-addr: {}@{}\n", zone,
                          resolving.authority.address.to_string(), resolving.authority.port);
  }
  if (!resolving.anchors.empty()) {
    const std::string file = folder.write("anchors", fmt::format("{}\n", fmt::join(resolving.anchors, "\n")));
    config += fmt::format("server:\n  trust-anchor-file: \"{}\"\n", file);
  }
  const Command command{.arguments = {"unbound", "-d", "-p", "-c", folder.write("unbound.conf", config)}};
  return start(std::move(port), command, resolving.zones);
}

Result<Peer> Peer::bind(const Folder& folder, const std::vector<ServedZone>& zones, const std::string& more) {
  std::string served;
  for (const ServedZone& zone : zones) {
    served += fmt::format("zone \"{}\" {{ type primary; file \"{}\"; }};\n", zone.name, zone.file);
  }
  return start_bind(folder, "recursion no; minimal-responses no-auth; " + more, served, names_of(zones));
}

Result<Peer> Peer::bind(const Folder& folder, const Endpoint& authority, const std::string& zone) {
  const std::string options = fmt::format("recursion yes; forward only; forwarders {{ {} port {}; }};",
                                          authority.address.to_string(), authority.port);
  return start_bind(folder, options, "", {zone});
}

Result<Peer> Peer::start_bind(const Folder& folder, const std::string& options, const std::string& zones,
                              const std::vector<std::string>& names) {
  Port port;
  const std::string config = fmt::format(R"(
options {{
  directory "{}";
  listen-on port {} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }};
  pid-file none;
  lock-file none;
  session-keyfile none;
  allow-query {{ any; }};
  dnssec-validation no;
  empty-zones-enable no;
  {}
}};
controls {{ }};
{})",
                                         made(folder, "named"), port.number(), options, zones);
  const Command command{.arguments = {"named", "-g", "-c", folder.write("named.conf", config)}};
  return start(std::move(port), command, names);
}

}  // namespace swage::tests
