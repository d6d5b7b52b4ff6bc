#include "plugins/rewrite/values.h"

#include <algorithm>

namespace swage::plugins::rewrite {
namespace {

using dns::Type;

// Behind order, preference and three character-strings (RFC 3403 section 4.1).
std::size_t naptr_replacement(Bytes rdata) {
  std::size_t at = 4;
  for (int i = 0; i < 3 && at < rdata.size(); ++i) at += 1U + rdata[at];
  return at;
}

std::optional<std::size_t> start(const dns::Record& record) {
  switch (record.type) {
    case Type::cname:
    case Type::dname:
    case Type::ns:
    case Type::ptr:
    case Type::soa:
      return 0;
    case Type::mx:
      return 2;
    case Type::srv:
      return 6;
    case Type::naptr:
      return naptr_replacement(record.rdata);
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<Value> find_value(const dns::Record& record) {
  const auto at = start(record);
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
