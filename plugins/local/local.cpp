#include "plugins/local/local.h"

#include <optional>

#include "core/log.h"

namespace swage::plugins::local {
namespace {

using dns::NameView;
using dns::Record;
using dns::Type;
using namespace std::string_view_literals;

constexpr std::uint32_t kTtl = 604'800;  // a week

// Names on the wire, each label after its length in three octal digits.
constexpr auto kLocalhost = "\011localhost\0"sv;
constexpr auto kReverse = "\0011\0010\0010\003127\007in-addr\004arpa\0"sv;  // of 127.0.0.1
constexpr std::string_view kReverseZones[] = {"\0010\007in-addr\004arpa\0"sv, "\003127\007in-addr\004arpa\0"sv,
                                              "\003255\007in-addr\004arpa\0"sv};
constexpr std::uint8_t kV4[4] = {127, 0, 0, 1};
constexpr std::uint8_t kV6[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
// localhost. root.localhost. 1 0 0 0 604800
constexpr auto kSoa = "\011localhost\0\004root\011localhost\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\x09\x3A\x80"sv;

bool equals(NameView key, std::string_view name) { return as_text(key.bytes()) == name; }

// The zone of ours that the name is in, spelled as in the query: its last `labels` labels; none where there is none.
std::optional<NameView> find_zone(const Query& query) {
  if (query.label_count >= 1 && equals(query.key_suffix(query.label_count - 1U), kLocalhost)) {
    return query.suffix(query.label_count - 1U);
  }
  if (query.label_count < 3) return std::nullopt;
  for (const std::string_view zone : kReverseZones) {
    if (equals(query.key_suffix(query.label_count - 3U), zone)) return query.suffix(query.label_count - 3U);
  }
  return std::nullopt;
}

Result<Outcome> answer(Response& response, NameView owner, Type type, Bytes rdata) {
  response.rcode = dns::Rcode::noerror;
  response.answer.push_back({.owner = owner, .type = type, .ttl = kTtl, .rdata = rdata});
  return Outcome::send;
}

Result<Outcome> deny(Response& response, dns::Rcode rcode, NameView zone) {
  response.rcode = rcode;
  response.authority.push_back({.owner = zone, .type = Type::soa, .ttl = kTtl, .rdata = as_bytes(kSoa)});
  return Outcome::send;
}

Result<Outcome> answer_localhost(const Query& query, Response& response) {
  if (query.qtype == Type::a) return answer(response, query.qname, Type::a, kV4);
  if (query.qtype == Type::aaaa) return answer(response, query.qname, Type::aaaa, kV6);
  return deny(response, dns::Rcode::noerror, query.qname);
}

Result<Outcome> answer_apex(const Query& query, Response& response) {
  if (query.qtype == Type::soa) return answer(response, query.qname, Type::soa, as_bytes(kSoa));
  if (query.qtype == Type::ns) return answer(response, query.qname, Type::ns, as_bytes(kLocalhost));
  if (query.label_count == 1) return answer_localhost(query, response);
  return deny(response, dns::Rcode::noerror, query.qname);
}

}  // namespace

// Below localhost, or with localhost as the first of several labels.
bool Local::is_localhost(const Query& query) const {
  if (query.label_count < 2) return false;
  if (equals(query.key_suffix(query.label_count - 1U), kLocalhost)) return true;
  return prefix_ && as_text(query.key.view().first_label()) == "localhost";
}

Result<Outcome> Local::serve(const Query& query, Response& response, Next next) const {
  if (query.qclass != dns::Class::in) return next(query, response);
  if (is_localhost(query)) {
    if (log::shows_debug()) [[unlikely]] {
      log::debug("plugin/local: {} {} from {}", query.key.to_string(), dns::to_string(query.qtype),
                 query.client.address.to_string());
    }
    localhost_.add();
    return answer_localhost(query, response);
  }
  const std::optional<NameView> zone = find_zone(query);
  if (!zone) return next(query, response);
  if (zone->size() == query.qname.size()) return answer_apex(query, response);
  if (!equals(query.key, kReverse)) return deny(response, dns::Rcode::nxdomain, *zone);
  if (query.qtype == Type::ptr) return answer(response, query.qname, Type::ptr, as_bytes(kLocalhost));
  return deny(response, dns::Rcode::noerror, *zone);
}

// local { localhost_prefix on|off }
Result<> setup(Controller& controller) {
  controller.once();
  bool prefix = true;
  TRY(controller.read_block({{"localhost_prefix", [&] { return assign(prefix, controller.expect_switch()); }}}));
  controller.add(
      std::make_unique<const Local>(prefix, controller.metrics().counter("coredns_local_localhost_requests_total",
                                                                         "Counter of localhost.<domain> requests.")));
  return {};
}

}  // namespace swage::plugins::local
