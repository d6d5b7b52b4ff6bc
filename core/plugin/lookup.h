// Lookup: what this server itself says to another question, for plugins whose answer is an alias of a name elsewhere.
// In dns processes. Part of the contract (core/plugin/plugin.h), for those who need it.
#pragma once

#include "core/plugin/chain.h"

namespace swage {

// Query::lookup, made by the server.
class Lookup {
 public:
  // Of one query, in all and one within another; what is beyond gets SERVFAIL.
  static constexpr int kMost = 8;

  virtual ~Lookup() = default;
  // Fills `found` as the server would answer the client of `query` if that asked for `name`, which must outlive it:
  // whatever server block takes it, from the beginning of its chain. Records lie in `found`, which is good until the
  // next call. Outcome::later, with what is wanted in `response`, and drop are to be returned as they are.
  [[nodiscard]] virtual Result<Outcome> ask(const Query& query, dns::NameView name, Response& response,
                                            const Response*& found) = 0;
};

// Where the answer section ends with a CNAME record that is not what was asked for, appends what the server says of its
// target: the answer, the rcode where that is NXDOMAIN or SERVFAIL, and the authority section of a denial. Anything
// else, such as REFUSED of a name that is in no server block, leaves the alias as it is: the client asks elsewhere. To
// be returned as it is.
[[nodiscard]] Result<Outcome> follow_alias(const Query& query, Response& response);

[[nodiscard]] Result<Outcome> follow_alias_out_of(dns::NameView zone, const Query& query, Response& response);

// The same for an alias that leads out of `zone`. inline, since most answers do not even begin with one.
[[nodiscard]] inline Result<Outcome> follow_out_of(dns::NameView zone, const Query& query, Response& response) {
  if (response.answer.empty()) return Outcome::send;
  const dns::Type first = response.answer.front().type;
  if (first != dns::Type::cname && first != dns::Type::dname) return Outcome::send;
  return follow_alias_out_of(zone, query, response);
}

}  // namespace swage
