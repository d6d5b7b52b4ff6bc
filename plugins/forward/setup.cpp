// The directive `forward`.
#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "core/config/server_key.h"
#include "plugins/forward/forward.h"
#include "plugins/forward/forwarder.h"
#include "plugins/forward/settings.h"

namespace swage::plugins::forward {
namespace {

using namespace std::chrono_literals;

// The next argument as zones: more than one, where it is a network in CIDR notation off a label's boundary.
Result<std::vector<dns::Name>> expect_zones(Controller& controller) {
  std::vector<dns::Name> zones;
  TRY(const std::string_view word, controller.expect_arg("a domain"));
  TRY(const std::vector<std::string> texts, config::zones_of(word));
  for (const std::string& text : texts) {
    TRY(const dns::Name zone, dns::Name::parse(text));
    zones.push_back(zone.lowercased());
  }
  return zones;
}

Result<> read_from(Controller& controller, Settings& settings) {
  TRY(const std::vector<dns::Name> zones, expect_zones(controller));
  settings.from = zones.front();
  if (zones.size() > 1) {
    controller.warn(controller.error_at(
        controller.token(),
        fmt::format("'{}' is more than one zone; only {} is forwarded", controller.val(), settings.from.to_string())));
  }
  return {};
}

Result<> read_to(Controller& controller, Settings& settings) {
  if (!controller.has_arg()) return controller.fail("expected an address to forward to after '{}'", controller.val());
  while (controller.next_arg()) {
    TRY(To to, parse_to(controller.val()));
    to.token = controller.token();
    if (!to.path.empty()) to.path = controller.block().path(to.path);
    settings.to.push_back(std::move(to));
  }
  if (settings.to.size() > kMaxUpstreams) {
    return controller.fail("more than {} upstreams: {}", kMaxUpstreams, settings.to.size());
  }
  return {};
}

Result<> read_except(Controller& controller, Settings& settings) {
  do {
    TRY(const std::vector<dns::Name> zones, expect_zones(controller));
    settings.except.insert(settings.except.end(), zones.begin(), zones.end());
  } while (controller.has_arg());
  return {};
}

Result<> read_tls(Controller& controller, Settings& settings) {
  if (!controller.has_arg()) return {};
  TRY(std::string first, controller.expect_path("the path of a certificate"));
  if (!controller.has_arg()) return settings.authorities = std::move(first), Result<>();
  settings.certificate = std::move(first);
  TRY(settings.key, controller.expect_path("the path of a key"));
  if (controller.has_arg()) {
    TRY(settings.authorities, controller.expect_path("the path of a CA's certificates"));
  }
  return {};
}

Result<> read_policy(Controller& controller, Settings& settings) {
  TRY(const std::string_view word, controller.one_of({"random", "round_robin", "sequential"}));
  settings.policy = word == "random"        ? Policy::random
                    : word == "round_robin" ? Policy::round_robin
                                            : Policy::sequential;
  return {};
}

Result<> read_health_check(Controller& controller, Settings& settings) {
  TRY(settings.check_interval, controller.expect_duration(1ms));
  while (controller.has_arg()) {
    TRY(const std::string_view word, controller.one_of({"no_rec", "domain"}));
    if (word == "no_rec") {
      settings.check_recursion = false;
      continue;
    }
    TRY(const std::string_view name, controller.expect_arg("a domain"));
    TRY(settings.check_domain, dns::Name::parse(name));
  }
  return {};
}

Result<> read_rcodes(Controller& controller, std::vector<dns::Rcode>& rcodes) {
  do {
    TRY(const std::string_view word, controller.expect_arg("an rcode"));
    TRY(const dns::Rcode rcode, parse_rcode(word));
    rcodes.push_back(rcode);
  } while (controller.has_arg());
  return {};
}

Result<> read_failover(Controller& controller, Settings& settings) {
  TRY(read_rcodes(controller, settings.failover));
  const bool has_noerror = std::ranges::find(settings.failover, dns::Rcode::noerror) != settings.failover.end();
  return has_noerror ? controller.fail("NOERROR is an answer, not a reason to ask another upstream") : Result<>();
}

Result<> read_source(Controller& controller, Settings& settings) {
  return assign(settings.source, controller.expect_address());
}

Result<> read_resolvers(Controller& controller, Settings& settings) {
  do {
    TRY(const Endpoint resolver, controller.expect_endpoint(kDnsPort));
    settings.resolvers.push_back(resolver);
  } while (controller.has_arg());
  return {};
}

Result<> read_method(Controller& controller, Settings& settings) {
  TRY(const std::string_view method, controller.one_of({"GET", "POST"}));
  settings.doh_get = method == "GET";
  return {};
}

// Said: the word alone is all of it.
Result<> set(bool& flag) {
  flag = true;
  return {};
}

Result<Settings> read(Controller& controller) {
  constexpr std::uint32_t kMost = 0x7FFF'FFFF;
  Settings settings;
  std::uint32_t unused = 0;
  bool prefers_udp = false;
  TRY(read_from(controller, settings));
  TRY(read_to(controller, settings));
  TRY(controller.read_block({
      {"except", [&] { return read_except(controller, settings); }},
      {"force_tcp", [&] { return set(settings.force_tcp); }},
      {"prefer_udp", [&] { return set(prefers_udp); }},
      {"expire", [&] { return assign(settings.expire, controller.expect_duration()); }},
      {"max_age", [&] { return assign(settings.max_age, controller.expect_duration()); }},
      {"read_timeout", [&] { return assign(settings.read_timeout, controller.expect_duration(1ms)); }},
      {"source_address", [&] { return read_source(controller, settings); }},
      {"resolver", [&] { return read_resolvers(controller, settings); }},
      {"max_idle_conns", [&] { return assign(unused, controller.expect_number<std::uint32_t>(0, kMost)); }},
      {"max_fails", [&] { return assign(settings.max_fails, controller.expect_number<std::uint32_t>(0, kMost)); }},
      {"max_connect_attempts",
       [&] { return assign(settings.most_connects, controller.expect_number<std::uint32_t>(0, kMost)); }},
      {"tls", [&] { return read_tls(controller, settings); }},
      {"tls_servername", [&] { return assign(settings.server_name, controller.expect_arg("the name of a server")); }},
      {"doh_method", [&] { return read_method(controller, settings); }},
      {"policy", [&] { return read_policy(controller, settings); }},
      {"health_check", [&] { return read_health_check(controller, settings); }},
      {"max_concurrent",
       [&] { return assign(settings.most_at_a_time, controller.expect_number<std::uint32_t>(0, kMost)); }},
      {"next", [&] { return read_rcodes(controller, settings.next); }},
      {"next_on_nodata", [&] { return set(settings.next_on_nodata); }},
      {"failfast_all_unhealthy_upstreams", [&] { return set(settings.fails_fast); }},
      {"failover", [&] { return read_failover(controller, settings); }},
  }));
  if (settings.max_age.count() != 0 && settings.max_age < settings.expire) {
    return controller.fail("max_age is less than expire, which is 10s unless it is said");
  }
  const bool has_own_name = std::ranges::any_of(settings.to, [](const To& to) { return !to.server_name.empty(); });
  if (has_own_name && !settings.server_name.empty()) {
    return controller.fail("a name after '%' and tls_servername exclude each other");
  }
  return settings;
}

// The same in the next configuration, if that forwards the same to the same.
std::string name_of(Controller& controller, const Settings& settings, std::size_t number) {
  std::string name = "forward " + controller.zones().front().to_string();
  const std::vector<Listener> listeners = controller.block().listeners();
  if (!listeners.empty()) name += " at " + listeners.front().endpoint.to_string();
  if (!controller.block().view.empty()) name += " view " + controller.block().view;
  name += fmt::format(" {}: {}", number, settings.from.to_string());
  for (const To& to : settings.to) name += " " + to.token.text;
  return name;
}

void add(Controller& controller, Settings settings, std::size_t number) {
  const std::string name = name_of(controller, settings, number);
  shm::Shared& memory = controller.shared(name);
  Fetch& fetch = controller.fetch(name);
  fetch.wait_at_most(Forwarder::kTime + 500ms);
  auto plugin = std::make_unique<const Forward>(settings, FetchedAnswers(memory, fetch));
  controller.metadata().add("forward/upstream", [forward = plugin.get()](const Query& query, std::string& text) {
    forward->tell_upstream(query, text);
  });
  controller.add(std::move(plugin));
  controller.add_fetcher(std::make_unique<Forwarder>(std::move(settings), memory, controller.block().answer_room, fetch,
                                                     controller.metrics()));
}

}  // namespace

Result<> setup(Controller& controller) {
  std::vector<Settings> all;
  while (controller.next()) {
    TRY(Settings settings, read(controller));
    all.push_back(std::move(settings));
  }
  all.back().next.clear();  // as in CoreDNS: only another `forward` is asked
  all.back().next_on_nodata = false;
  for (std::size_t number = 0; number < all.size(); ++number) add(controller, std::move(all[number]), number + 1);
  return {};
}

}  // namespace swage::plugins::forward
