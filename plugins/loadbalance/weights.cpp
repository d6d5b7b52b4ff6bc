#include "plugins/loadbalance/weights.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "core/config/values.h"
#include "core/text.h"

namespace swage::plugins::loadbalance {
namespace {

Result<dns::Name> parse_name(std::string_view word) {
  if (IpAddress::parse(word)) return fail("expected a weight after the address '{}'", word);
  TRY(const dns::Name name, dns::Name::parse(word));
  return name.lowercased();
}

}  // namespace

Result<std::vector<Weight>> parse_weights(const std::string& path, std::string_view text) {
  std::vector<Weight> weights;
  std::optional<dns::Name> name;
  for (unsigned number = 1; !text.empty(); ++number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const auto error = [&](std::string_view what) { return std::unexpected(Error::at(path, number, what)); };
    const std::string_view first = take_word(line), second = take_word(line);
    if (first.empty() || first.starts_with('#')) continue;
    if (!take_word(line).empty()) return error("expected a name, or an address and its weight, on a line");
    if (second.empty()) {
      Result<dns::Name> read = parse_name(first);
      if (!read) return error(read.error().text());
      name = *read;
      continue;
    }
    const Result<IpAddress> address = IpAddress::parse(first);
    if (!address) return error(address.error().text());
    const Result<std::uint8_t> weight = config::parse_integer<std::uint8_t>(second, 1, 255);
    if (!weight) return error(weight.error().text());
    if (!name) return error("expected a name before the first address");
    weights.push_back({*name, *address, *weight});
  }
  return weights;
}

Result<shm::Segment> write_weights(const std::string& segment, const std::vector<Weight>& weights) {
  std::map<std::string, const Weight*> by_key;
  for (const Weight& each : weights) {
    by_key.emplace(fmt::format("{}{}", as_text(each.name.view().bytes()), as_text(each.address.bytes())), &each);
  }
  std::vector<shm::FlatMap::Entry> entries;
  for (const auto& [key, weight] : by_key) entries.push_back({key, Bytes(&weight->weight, 1)});
  return shm::FlatMap::to_segment(segment, entries);
}

std::uint8_t find_weight(const shm::FlatMap& weights, dns::NameView name, Bytes address) {
  dns::Name lower;
  lower.assign_lowercased(name);
  std::array<char, dns::kMaxName + 16> key;
  const auto end = std::ranges::copy(as_text(lower.view().bytes()), key.begin()).out;
  const auto size = std::ranges::copy(as_text(address), end).out - key.begin();
  const Bytes found = weights.find({key.data(), static_cast<std::size_t>(size)});
  return found.empty() ? 1 : found[0];
}

}  // namespace swage::plugins::loadbalance
