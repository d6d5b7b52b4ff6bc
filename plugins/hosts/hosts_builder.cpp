#include "plugins/hosts/hosts_builder.h"

#include <algorithm>
#include <cstring>
#include <functional>

namespace swage::plugins::hosts {
namespace {

// Which take 0.3 GB as an image, and twice that while it is made.
constexpr std::size_t kMaxPairs = 5'000'000;

// The first kMaxRecords different values, in the order in which they came, in `values`.
template <typename Entries, typename Of>
void find_different(const Entries& entries, Of of, std::vector<std::string_view>& values) {
  values.clear();
  for (const auto& entry : entries) {
    if (values.size() == kMaxRecords) break;
    const std::string_view value = of(entry);
    if (!value.empty() && std::ranges::find(values, value) == values.end()) values.push_back(value);
  }
}

}  // namespace

std::string_view HostsBuilder::key(std::uint32_t place) const {
  const std::uint8_t* const at = &keys_[place];
  const std::size_t size = at[0] == kAddressKey ? std::size_t{2} + at[1] : HostsImage::first_name(at).size();
  return as_text({at, size});
}

Result<> HostsBuilder::add(const IpAddress& address, dns::NameView name) {
  if (pairs_.size() >= kMaxPairs) return fail("more than {} entries", kMaxPairs);
  const auto append = [this](Bytes bytes) { keys_.insert(keys_.end(), bytes.begin(), bytes.end()); };
  std::uint32_t address_place = pairs_.empty() ? 0 : pairs_.back().address;  // mostly: a line has several names
  if (pairs_.empty() || key(address_place).substr(2) != as_text(address.bytes())) {
    address_place = static_cast<std::uint32_t>(keys_.size());
    keys_.push_back(kAddressKey);
    keys_.push_back(static_cast<std::uint8_t>(address.bytes().size()));
    append(address.bytes());
  }
  pairs_.push_back({static_cast<std::uint32_t>(keys_.size()), address_place});
  append(name.bytes());
  return {};
}

bool HostsBuilder::same_key(const Hashed& a, const Hashed& b) const {
  return a.hash == b.hash && (a.key == b.key || key(a.key) == key(b.key));
}

// All pairs, those with the same name, or address, side by side, in the order in which they came.
std::vector<HostsBuilder::Hashed> HostsBuilder::sorted(std::uint32_t Pair::* by) const {
  std::vector<Hashed> all;
  all.reserve(pairs_.size());
  for (std::uint32_t i = 0; i < pairs_.size(); ++i) {
    const std::uint32_t place = pairs_[i].*by;
    const bool again = !all.empty() && all.back().key == place;
    all.push_back({again ? all.back().hash : std::hash<std::string_view>{}(key(place)), place, i});
  }
  std::ranges::sort(all, [&](const Hashed& a, const Hashed& b) {
    if (a.hash != b.hash) return a.hash < b.hash;
    const int order = a.key == b.key ? 0 : key(a.key).compare(key(b.key));
    return order != 0 ? order < 0 : a.pair < b.pair;
  });
  return all;
}

// What the pairs of one name come to.
void HostsBuilder::add_addresses(std::span<const Hashed> of_name) {
  const auto address_of = [&](const Hashed& each) { return key(pairs_[each.pair].address).substr(2); };
  find_different(of_name, address_of, different_);
  const auto is_v4 = [](std::string_view address) { return address.size() == 4; };
  const auto v4_count = static_cast<std::uint16_t>(std::ranges::count_if(different_, is_v4));
  const std::size_t start = values_.size();
  values_.resize(start + sizeof v4_count);
  std::memcpy(&values_[start], &v4_count, sizeof v4_count);
  for (const bool v4 : {true, false}) {
    for (const std::string_view address : different_) {
      if (is_v4(address) == v4) values_.insert(values_.end(), address.begin(), address.end());
    }
  }
  map_.push_back({key(of_name.front().key), Bytes(values_).subspan(start)});
  ++names_;
  entries_ += different_.size();
}

// What the pairs of one address come to.
void HostsBuilder::add_names(std::span<const Hashed> of_address) {
  const auto name_of = [&](const Hashed& each) {
    const std::string_view name = key(pairs_[each.pair].name);
    return dns::NameView(as_bytes(name).data(), name.size()).is_wildcard() ? std::string_view() : name;
  };
  find_different(of_address, name_of, different_);
  const std::size_t start = values_.size();
  for (const std::string_view name : different_) values_.insert(values_.end(), name.begin(), name.end());
  if (!different_.empty()) map_.push_back({key(of_address.front().key), Bytes(values_).subspan(start)});
}

void HostsBuilder::finish() {
  // All that can come of it, so that map_ may refer to values_: 2 + 16 bytes for each pair by name, its name by
  // address.
  values_.reserve(pairs_.size() * 18 + keys_.size());
  for (const auto by : {&Pair::name, &Pair::address}) {
    const std::vector<Hashed> all = sorted(by);
    for (auto first = all.begin(); first != all.end();) {
      const auto last = std::find_if(first, all.end(), [&](const Hashed& each) { return !same_key(each, *first); });
      by == &Pair::name ? add_addresses({first, last}) : add_names({first, last});
      first = last;
    }
  }
  pairs_ = {};
}

}  // namespace swage::plugins::hosts
