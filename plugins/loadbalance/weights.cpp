#include "plugins/loadbalance/weights.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include "core/config/values.h"

namespace swage::plugins::loadbalance {
namespace {

constexpr std::string_view kBlank = " \t\r\v\f";
constexpr std::size_t kWord = sizeof(std::uint32_t);

std::uint32_t load(const std::uint8_t* at) {
  std::uint32_t value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// The next word of a line, taken off its front; empty at the end.
std::string_view take_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(kBlank), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(kBlank));
  line.remove_prefix(word.size());
  return word;
}

auto key(const Weight& weight) {
  return std::tuple(as_text(weight.name.view().bytes()), as_text(weight.address.bytes()));
}

Result<dns::Name> parse_name(std::string_view word) {
  if (IpAddress::parse(word)) return fail("expected a weight behind the address '{}'", word);
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

std::vector<std::uint8_t> write_weights(const std::vector<Weight>& weights) {
  std::vector<const Weight*> sorted;
  for (const Weight& weight : weights) sorted.push_back(&weight);
  const auto by_key = [](const Weight* weight) { return key(*weight); };
  std::ranges::stable_sort(sorted, {}, by_key);
  const auto same = std::ranges::unique(sorted, {}, by_key);
  sorted.erase(same.begin(), same.end());

  std::vector<std::uint8_t> bytes(kWord * (1 + sorted.size()));
  const auto store = [&bytes](std::size_t index, std::size_t value) {
    const auto word = static_cast<std::uint32_t>(value);
    std::memcpy(&bytes[kWord * index], &word, sizeof word);
  };
  store(0, sorted.size());
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    store(1 + i, bytes.size());
    const Bytes address = sorted[i]->address.bytes(), name = sorted[i]->name.view().bytes();
    bytes.push_back(sorted[i]->weight);
    bytes.push_back(static_cast<std::uint8_t>(address.size()));
    bytes.insert(bytes.end(), address.begin(), address.end());
    bytes.insert(bytes.end(), name.begin(), name.end());
  }
  return bytes;
}

std::size_t Weights::size() const { return bytes_.empty() ? 0 : load(bytes_.data()); }

// An entry goes up to the next one.
Weights::Entry Weights::entry(std::size_t index) const {
  const auto offset = [this](std::size_t i) {
    return i == size() ? bytes_.size() : load(bytes_.data() + kWord * (1 + i));
  };
  const std::string_view all = as_text(bytes_.subspan(offset(index), offset(index + 1) - offset(index)));
  const auto address_size = static_cast<std::uint8_t>(all[1]);
  return {all.substr(2U + address_size), all.substr(2, address_size), static_cast<std::uint8_t>(all[0])};
}

std::uint8_t Weights::find(dns::NameView name, Bytes address) const {
  if (bytes_.empty()) return 1;
  dns::Name lower;
  lower.assign_lowercased(name);
  const std::tuple wanted(as_text(lower.view().bytes()), as_text(address));
  std::size_t low = 0, high = size();
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    const Entry found = entry(middle);
    const auto order = std::tuple(found.name, found.address) <=> wanted;
    if (order == 0) return found.weight;
    (order < 0 ? low : high) = order < 0 ? middle + 1 : middle;
  }
  return 1;
}

}  // namespace swage::plugins::loadbalance
