// nearest: the address that belongs to the client's network, which is that of the query's client subnet (RFC 7871), or
// else where the query came from. In every dns process.
#include "core/dns/client_subnet.h"
#include "core/plugin/plugin.h"

namespace swage::plugins::nearest {
namespace {

constexpr std::uint32_t kTtl = 60;  // seconds

struct Place {
  Prefix network;
  IpAddress address;
};

class Nearest : public Plugin {
 public:
  explicit Nearest(std::vector<Place> places) : places_(std::move(places)) {}

  Result<Outcome> serve(const Query& query, Response& response, Next next) const override {
    const std::optional<Prefix> subnet = dns::client_subnet(query);
    const Place* const place = find(subnet && subnet->length > 0 ? *subnet : from(query.client.address));
    if (place == nullptr) return next(query, response);
    // For the clients that were asked for, and no others.
    if (subnet) dns::add_client_subnet(response, *subnet, subnet->length);
    const dns::Type type = place->address.is_v6() ? dns::Type::aaaa : dns::Type::a;
    if (query.qtype != type) return no_data(query, response, next, query.zone);
    return answer_address(query, response, kTtl, place->address);
  }

 private:
  static Prefix from(const IpAddress& client) { return {client, static_cast<std::uint8_t>(client.bytes().size() * 8)}; }

  // The smallest network that has all of `clients`; nullptr where none has.
  [[nodiscard]] const Place* find(const Prefix& clients) const {
    const Place* best = nullptr;
    for (const Place& place : places_) {
      const bool has_them = place.network.length <= clients.length && place.network.contains(clients.address);
      if (has_them && (best == nullptr || place.network.length > best->network.length)) best = &place;
    }
    return best;
  }

  std::vector<Place> places_;
};

}  // namespace

// nearest { NETWORK ADDRESS ... }
Result<> setup(Controller& controller) {
  std::vector<Place> places;
  controller.once();
  TRY(controller.read_lines([&]() -> Result<> {
    Place place;
    const Result<Prefix> network = Prefix::parse(controller.val());
    if (!network) return controller.fail("{}", network.error().text());
    place.network = *network;
    TRY(const std::string_view text, controller.expect_arg("an address"));
    const Result<IpAddress> address = IpAddress::parse(text);
    if (!address) return controller.fail("{}", address.error().text());
    place.address = *address;
    places.push_back(place);
    return {};
  }));
  if (places.empty()) return controller.fail("expected a network and its address in a block");
  controller.add(std::make_unique<const Nearest>(std::move(places)));
  return {};
}

}  // namespace swage::plugins::nearest
