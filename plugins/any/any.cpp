#include "plugins/any/any.h"

namespace swage::plugins::any {

using namespace std::string_view_literals;

Result<Outcome> Any::serve(const Query& query, Response& response, Next next) const {
  static constexpr auto kData =
      "\x0d"
      "ANY obsoleted"
      "\x0c"
      "See RFC 8482"sv;  // two character-strings
  if (query.qtype != dns::Type::any) return next(query, response);
  response.rcode = dns::Rcode::noerror;
  response.answer.push_back(
      {.owner = query.qname, .type = dns::Type::hinfo, .rclass = query.qclass, .ttl = 8482, .rdata = as_bytes(kData)});
  return Outcome::send;
}

Result<> setup(Controller& controller) {
  controller.once();
  controller.add(std::make_unique<const Any>());
  return {};
}

}  // namespace swage::plugins::any
