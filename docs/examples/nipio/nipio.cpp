// nipio: 10-0-0-1.example.org and www.10-0-0-1.example.org have the address 10.0.0.1. In every dns process.
#include <algorithm>

#include "core/plugin/plugin.h"

namespace swage::plugins::nipio {
namespace {

struct Settings {
  std::uint32_t ttl = 3600;
  metrics::Counter answers;
};

class Nipio : public Plugin {
 public:
  explicit Nipio(Settings settings) : settings_(settings) {}

  Result<Outcome> serve(const Query& query, Response& response, Next next) const override {
    if (query.qname == query.zone) return next(query, response);
    const auto address = address_of(query);
    if (!address) return name_error(query, response, next, query.zone);
    if (query.qtype != dns::Type::a) return no_data(query, response, next, query.zone);
    settings_.answers.add();
    return answer_address(query, response, settings_.ttl, *address);
  }

 private:
  // Of the label before the zone's.
  static Result<IpAddress> address_of(const Query& query) {
    const std::size_t below = query.label_count - query.zone.label_count();
    const std::string_view label = as_text(query.key_suffix(below - 1).first_label());
    std::array<char, 15> text{};  // 255.255.255.255
    if (label.size() > text.size()) return fail("too long");
    std::ranges::replace_copy(label, text.begin(), '-', '.');
    TRY(const IpAddress address, IpAddress::parse({text.data(), label.size()}));
    if (address.is_v6()) return fail("not an IPv4 address");
    return address;
  }

  Settings settings_;
};

}  // namespace

// nipio { ttl SECONDS|DURATION }
Result<> setup(Controller& controller) {
  Settings settings;
  controller.once();
  TRY(controller.read_block({{"ttl", [&] { return assign(settings.ttl, controller.expect_ttl()); }}}));
  settings.answers = controller.metrics().counter("swage_nipio_answers_total", "Addresses that were answered.");
  controller.add(std::make_unique<const Nipio>(settings));
  return {};
}

}  // namespace swage::plugins::nipio
