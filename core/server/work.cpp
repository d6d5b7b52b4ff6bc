#include "core/server/work.h"

#include <cstddef>
#include <cstring>

#include <fmt/format.h>

#include "core/log.h"

namespace swage::server {
namespace {

// A copy: what is judged must not change meanwhile.
template <typename T>
T copy(const T& shared) {
  static_assert(std::is_trivially_copyable_v<T>);
  T value;
  std::memcpy(&value, &shared, sizeof value);
  return value;
}

}  // namespace

std::string describe_work(Bytes memory, std::span<const PluginType> plugins) {
  if (memory.size() < sizeof(Work)) return "";
  const Work& work = *reinterpret_cast<const Work*>(memory.data());
  const auto stage = work.stage.load(std::memory_order_relaxed);
  if (stage != Work::Stage::chain && stage != Work::Stage::sending) return "";
  const dns::Name key = copy(work.query.key);
  const Result<dns::Name> qname = dns::Name::from_wire({key.data(), dns::kMaxName});
  if (!qname) return " while it answered a query";
  const std::string query =
      fmt::format("'{} {}'", log::one_line(qname->to_string()), dns::to_string(dns::Type{copy(work.query.qtype)}));
  if (stage == Work::Stage::sending) return fmt::format(" while it sent the response to {}", query);
  const std::uint8_t number = copy(work.response.plugin);
  if (number == 0 || number > plugins.size()) return fmt::format(" while it answered {}", query);
  return fmt::format(" while it answered {} (the last directive asked was '{}')", query, plugins[number - 1].name);
}

}  // namespace swage::server
