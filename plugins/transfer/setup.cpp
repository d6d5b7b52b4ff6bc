// Reads the directive: transfer [ZONES...] { to ADDRESS... ; tsig KEY... }
#include <algorithm>

#include "plugins/transfer/notifier.h"
#include "plugins/transfer/transfer.h"

namespace swage::plugins::transfer {
namespace {

constexpr std::uint16_t kDnsPort = 53;
constexpr std::size_t kMostAddresses = 256;  // of a directive

// "*", "192.0.2.0/24", "192.0.2.1", "[2001:db8::1]:5353"
Result<> read_address(Controller& controller, Rule& rule) {
  const std::string& word = controller.val();
  if (word == "*") {
    rule.everybody = true;
    return {};
  }
  if (rule.networks.size() == kMostAddresses) return controller.fail("more than {} addresses", kMostAddresses);
  if (word.find('/') != std::string::npos) {
    const Result<Prefix> network = Prefix::parse(word);
    if (!network) return controller.fail("'{}' is not a network", word);
    rule.networks.push_back(*network);
    return {};
  }
  const Result<Endpoint> secondary = Endpoint::parse(word, kDnsPort);
  if (!secondary) return controller.fail("{}; nor is it '*' or a network", secondary.error().text());
  const auto bits = static_cast<std::uint8_t>(8 * secondary->address.bytes().size());
  rule.networks.push_back({secondary->address, bits});
  if (std::ranges::find(rule.secondaries, *secondary) == rule.secondaries.end()) rule.secondaries.push_back(*secondary);
  return {};
}

Result<> read_to(Controller& controller, Rule& rule) {
  if (!controller.has_arg()) return controller.fail("expected '*', addresses or networks after 'to'");
  while (controller.next_arg()) TRY(read_address(controller, rule));
  return {};
}

// Keys of *tsig*. The first one signs notifications.
Result<> read_keys(Controller& controller, Rule& rule) {
  if (!controller.has_arg()) return controller.fail("expected the name of a key after 'tsig'");
  if (controller.block().keys == nullptr) {
    return controller.fail("the server block has no directive 'tsig', which has the keys");
  }
  while (controller.next_arg()) {
    const Result<dns::Name> key = dns::Name::parse(controller.val());
    if (!key || key->view().is_root()) return controller.fail("'{}' is not the name of a key", controller.val());
    rule.keys.push_back(key->lowercased());
  }
  return {};
}

Result<> read_directive(Controller& controller, std::vector<Rule>& rules) {
  const config::Token directive = controller.token();
  Rule rule;
  TRY(rule.zones, controller.remaining_zones());
  TRY(controller.read_block(
      {{"to", [&] { return read_to(controller, rule); }}, {"tsig", [&] { return read_keys(controller, rule); }}}));
  if (!rule.everybody && rule.networks.empty())
    return controller.fail_at(directive, "expected a block with 'to ADDRESS...'");
  for (const Rule& earlier : rules) {
    for (const dns::Name& zone : rule.zones) {
      if (std::ranges::find(earlier.zones, zone) == earlier.zones.end()) continue;
      return controller.fail_at(directive, "zone {} stands in a 'transfer' before", zone.to_string());
    }
  }
  rules.push_back(std::move(rule));
  return {};
}

Counts counts_of(metrics::Registry& metrics) {
  Counts counts;
  counts.requests =
      metrics.counters("swage_transfer_requests_total", "Requests for zone transfers, by what became of them.", {},
                       {{"result", {"axfr", "ixfr", "current", "refused", "notauth", "formerr", "busy"}}});
  counts.streams.completed =
      metrics.counter("swage_transfers_completed_total", "Zone transfers over TCP that were sent to their end.");
  counts.streams.broken =
      metrics.counter("swage_transfers_broken_total", "Zone transfers over TCP that ended before their end.");
  counts.streams.bytes = metrics.counter("swage_transfer_bytes_total", "Bytes of messages of zone transfers over TCP.");
  return counts;
}

NotifyCounts notify_counts_of(metrics::Registry& metrics) {
  NotifyCounts counts;
  counts.sent = metrics.counter("swage_notify_sent_total", "NOTIFY messages sent to secondaries, repeated ones too.");
  const std::string_view name = "swage_notify_results_total";
  const std::string_view help = "What became of telling a secondary of a zone's new version.";
  counts.acknowledged = metrics.counter(name, help, {{"result", "acknowledged"}});
  counts.declined = metrics.counter(name, help, {{"result", "declined"}});
  counts.unanswered = metrics.counter(name, help, {{"result", "unanswered"}});
  return counts;
}

}  // namespace

Result<> setup(Controller& controller) {
  std::vector<Rule> rules;
  while (controller.next()) TRY(read_directive(controller, rules));
  const bool notifies = std::ranges::any_of(rules, [](const Rule& rule) { return !rule.secondaries.empty(); });
  if (notifies) {
    controller.add(std::make_unique<Notifier>(controller.block(), rules, notify_counts_of(controller.metrics())));
  }
  controller.add(std::unique_ptr<const Plugin>(
      std::make_unique<const Transfer>(controller.block(), std::move(rules), counts_of(controller.metrics()))));
  return {};
}

}  // namespace swage::plugins::transfer
