#include "plugins/hosts/hosts_builder.h"

#include <algorithm>

#include "core/zone/image.h"

namespace swage::plugins::hosts {
namespace {

// Which take 0.3 GB as an image, and twice that while it is made.
constexpr std::uint32_t kMaxPairs = 5'000'000;

// Of a table at most 60 % full.
std::uint32_t slots_for(std::uint32_t count) { return count + count * 2 / 3 + 1; }

}  // namespace

template <typename Equals>
std::uint32_t HostsBuilder::Numbers::number(std::uint64_t hash, Equals equals) {
  if ((hashes_.size() + 1) * 2 > slots_.size()) grow();
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash & mask;
  for (; slots_[at] != 0; at = (at + 1) & mask) {
    const std::uint32_t found = slots_[at] - 1;
    if (hashes_[found] == hash && equals(found)) return found;
  }
  hashes_.push_back(hash);
  return (slots_[at] = count()) - 1;
}

void HostsBuilder::Numbers::grow() {
  slots_.assign(std::max<std::size_t>(slots_.size() * 2, 64), 0);
  const std::size_t mask = slots_.size() - 1;
  for (std::uint32_t number = 0; number < count(); ++number) {
    std::size_t at = hashes_[number] & mask;
    while (slots_[at] != 0) at = (at + 1) & mask;
    slots_[at] = number + 1;
  }
}

dns::NameView HostsBuilder::name(std::uint32_t number) const {
  const std::uint8_t* const data = &name_bytes_[std::size_t{name_starts_[number]} * kUnit];
  std::size_t size = 0;
  while (data[size] != 0) size += 1U + data[size];
  return {data, size + 1};
}

Result<> HostsBuilder::add(const IpAddress& address, dns::NameView added) {
  if (pairs_.size() >= kMaxPairs) return fail("more than {} entries", kMaxPairs);
  const std::uint32_t name_number =
      names_.number(hash_name(added), [&](std::uint32_t each) { return name(each).same_spelling(added); });
  if (name_number + 1 == name_starts_.size()) {
    name_bytes_.insert(name_bytes_.end(), added.data(), added.data() + added.size());
    name_bytes_.resize(padded(name_bytes_.size()));
    name_starts_.push_back(static_cast<std::uint32_t>(name_bytes_.size() / kUnit));
  }
  const std::uint32_t address_number =
      addresses_.number(hash_address(address), [&](std::uint32_t each) { return address_values_[each] == address; });
  if (address_number == address_values_.size()) address_values_.push_back(address);
  pairs_.push_back({name_number, address_number});
  return {};
}

// Sorts the pairs by one of their halves: the first kMostRecords different ones of each, in the order in which they
// came.
HostsBuilder::Groups HostsBuilder::group(std::uint32_t count, bool by_name) const {
  Groups groups;
  std::vector<std::uint32_t> ends(count + 1, 0);
  for (const Pair& pair : pairs_) ++ends[(by_name ? pair.name : pair.address) + 1];
  for (std::uint32_t i = 0; i < count; ++i) ends[i + 1] += ends[i];
  std::vector<std::uint32_t> all(pairs_.size());
  std::vector<std::uint32_t> next = ends;
  for (const Pair& pair : pairs_) {
    all[next[by_name ? pair.name : pair.address]++] = by_name ? pair.address : pair.name;
  }
  groups.starts.push_back(0);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::size_t start = groups.members.size();
    for (std::uint32_t at = ends[i]; at < ends[i + 1] && groups.members.size() - start < kMostRecords; ++at) {
      if (!by_name && name(all[at]).is_wildcard()) continue;
      const auto begin = groups.members.begin() + static_cast<std::ptrdiff_t>(start);
      if (std::find(begin, groups.members.end(), all[at]) == groups.members.end()) groups.members.push_back(all[at]);
    }
    groups.starts.push_back(static_cast<std::uint32_t>(groups.members.size()));
  }
  return groups;
}

std::size_t HostsBuilder::node_size(std::uint32_t number) const {
  std::size_t size = sizeof(NameNode) + padded(name(number).size());
  for (const std::uint32_t address : addresses_of_.of(number)) size += address_values_[address].bytes().size();
  return size;
}

void HostsBuilder::finish() {
  addresses_of_ = group(names_.count(), true);
  names_of_ = group(addresses_.count(), false);
  pairs_ = {};
  const auto place = [this](std::size_t size) {
    const auto ref = static_cast<Ref>(size_ / kUnit);
    size_ += padded(size);
    return ref;
  };
  static_cast<void>(place(sizeof(Header)));
  header_.magic = kMagic;
  header_.names = names_.count();
  header_.addresses = addresses_.count();
  header_.entries = static_cast<std::uint32_t>(addresses_of_.members.size());
  header_.name_slot_count = slots_for(names_.count());
  header_.name_slots = place(header_.name_slot_count * sizeof(Slot));
  header_.address_slot_count = slots_for(addresses_.count());
  header_.address_slots = place(header_.address_slot_count * sizeof(Slot));
  for (std::uint32_t i = 0; i < names_.count(); ++i) name_refs_.push_back(place(node_size(i)));
  for (std::uint32_t i = 0; i < addresses_.count(); ++i) {
    address_refs_.push_back(
        place(sizeof(AddressNode) + address_values_[i].bytes().size() + names_of_.of(i).size() * sizeof(Ref)));
  }
  header_.size = size_;
}

template <typename T>
void HostsBuilder::write_slots(MutableBytes image, Ref at, std::uint32_t slots, const Numbers& numbers,
                               const T& refs) const {
  Slot* const table = reinterpret_cast<Slot*>(image.data() + std::size_t{at} * kUnit);
  for (std::uint32_t number = 0; number < numbers.count(); ++number) {
    const std::uint64_t hash = numbers.hash(number);
    std::uint32_t slot = zone::image::first_slot(hash, slots);
    while (table[slot].node != 0) slot = slot + 1 == slots ? 0 : slot + 1;
    table[slot] = {zone::image::slot_tag(hash), refs[number]};
  }
}

void HostsBuilder::write(MutableBytes image) const {
  CHECK(image.size() == size_);
  std::memcpy(image.data(), &header_, sizeof header_);
  write_slots(image, header_.name_slots, header_.name_slot_count, names_, name_refs_);
  write_slots(image, header_.address_slots, header_.address_slot_count, addresses_, address_refs_);
  for (std::uint32_t i = 0; i < names_.count(); ++i) {
    std::uint8_t* const start = image.data() + std::size_t{name_refs_[i]} * kUnit;
    NameNode node{0, 0, static_cast<std::uint32_t>(name(i).size())};
    std::uint8_t* at = start + sizeof node;
    std::ranges::copy(name(i).bytes(), at);
    at += padded(node.name_size);
    for (const bool v6 : {false, true}) {
      for (const std::uint32_t address : addresses_of_.of(i)) {
        const IpAddress& value = address_values_[address];
        if (value.is_v6() != v6) continue;
        at = std::ranges::copy(value.bytes(), at).out;
        ++(v6 ? node.v6 : node.v4);
      }
    }
    std::memcpy(start, &node, sizeof node);
  }
  for (std::uint32_t i = 0; i < addresses_.count(); ++i) {
    const Bytes address = address_values_[i].bytes();
    std::uint8_t* at = image.data() + std::size_t{address_refs_[i]} * kUnit;
    const AddressNode node{static_cast<std::uint32_t>(names_of_.of(i).size()),
                           static_cast<std::uint32_t>(address.size())};
    std::memcpy(at, &node, sizeof node);
    at = std::ranges::copy(address, at + sizeof node).out;
    for (const std::uint32_t name : names_of_.of(i)) {
      std::memcpy(at, &name_refs_[name], sizeof(Ref));
      at += sizeof(Ref);
    }
  }
}

}  // namespace swage::plugins::hosts
