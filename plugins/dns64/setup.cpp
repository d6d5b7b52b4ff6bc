// The directive `dns64`.
#include <algorithm>

#include "plugins/dns64/dns64.h"

namespace swage::plugins::dns64 {
namespace {

constexpr std::array kLengths = {32, 40, 48, 56, 64, 96};  // RFC 6052 section 2.2

Result<Prefix> read_prefix(Controller& controller) {
  TRY(const Prefix prefix, controller.expect_prefix());
  if (!prefix.address.is_v6()) return controller.fail("'{}' is not a prefix of IPv6", controller.val());
  if (std::ranges::find(kLengths, static_cast<int>(prefix.length)) == kLengths.end()) {
    return controller.fail("'{}': a prefix for NAT64 has 32, 40, 48, 56, 64 or 96 bits", controller.val());
  }
  return prefix;
}

Result<> set(bool& flag) {
  flag = true;
  return {};
}

}  // namespace

Result<> setup(Controller& controller) {
  Settings settings;
  TRY(settings.prefix, Prefix::parse("64:ff9b::/96"));
  while (controller.next()) {
    if (controller.has_arg()) {
      TRY(settings.prefix, read_prefix(controller));
    }
    TRY(controller.read_block({
        {"prefix", [&] { return assign(settings.prefix, read_prefix(controller)); }},
        {"translate_all", [&] { return set(settings.translates_all); }},
        {"allow_ipv4", [&] { return set(settings.takes_ipv4); }},
    }));
  }
  ServerLabel servers(controller.block().listeners());
  const metrics::Counters translated =
      controller.metrics().counters("coredns_dns64_requests_translated_total", "Counter of DNS64 translated requests.",
                                    {}, {{"server", servers.names()}});
  controller.add(
      std::unique_ptr<const Plugin>(std::make_unique<const Dns64>(settings, std::move(servers), translated)));
  return {};
}

}  // namespace swage::plugins::dns64
