// The one name in the data of a record that `answer value` rewrites: the target of CNAME, DNAME, NS, PTR, MX and SRV,
// the replacement of NAPTR, the primary server of SOA.
#pragma once

#include <optional>

#include "core/dns/response.h"

namespace swage::plugins::rewrite {

struct Value {
  std::size_t at;  // where it begins in the rdata
  dns::NameView name;
};

// nullopt for records of other types, and for data that are malformed.
[[nodiscard]] std::optional<Value> find_value(const dns::Record& record);

// Gives `record` new data with `name` in the place of `value`.
void replace_value(dns::Record& record, const Value& value, dns::NameView name, dns::Arena& arena);

}  // namespace swage::plugins::rewrite
