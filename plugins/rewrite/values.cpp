#include "plugins/rewrite/values.h"

#include <algorithm>

#include "core/dns/record_types.h"

namespace swage::plugins::rewrite {
namespace {

using dns::Type;

// Those whose names CoreDNS rewrites.
bool is_rewritten(Type type) {
  return type == Type::cname || type == Type::dname || type == Type::ns || type == Type::ptr || type == Type::soa ||
         type == Type::mx || type == Type::srv || type == Type::naptr;
}

}  // namespace

std::optional<Value> find_value(const dns::Record& record) {
  if (!is_rewritten(record.type)) return std::nullopt;
  const auto at = dns::first_name(record.type, record.rdata);
  if (!at || *at >= record.rdata.size()) return std::nullopt;
  const Bytes rest = record.rdata.subspan(*at);
  std::size_t size = 0;
  while (size < rest.size() && rest[size] != 0 && rest[size] <= dns::kMaxLabel) size += 1U + rest[size];
  if (size >= rest.size() || rest[size] != 0 || size >= dns::kMaxName) return std::nullopt;
  return Value{*at, {rest.data(), size + 1}};
}

void replace_value(dns::Record& record, const Value& value, dns::NameView name, dns::Arena& arena) {
  const Bytes old = record.rdata;
  const Bytes behind = old.subspan(value.at + value.name.size());
  if (value.at + name.size() + behind.size() > 0xFFFF) return;
  const MutableBytes rdata = arena.allocate(value.at + name.size() + behind.size());
  auto to = std::ranges::copy(old.first(value.at), rdata.begin()).out;
  to = std::ranges::copy(name.bytes(), to).out;
  std::ranges::copy(behind, to);
  record.rdata = rdata;
}

}  // namespace swage::plugins::rewrite
