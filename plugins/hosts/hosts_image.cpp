#include "plugins/hosts/hosts_image.h"

#include <algorithm>

#include "core/counted.h"
#include "core/dns/label_hash.h"
#include "core/zone/image.h"

namespace swage::plugins::hosts {
namespace {

using dns::hash_label;
using zone::image::first_slot;
using zone::image::kApexHash;
using zone::image::slot_tag;

const std::uint8_t* bytes_of(const NameNode& node) { return reinterpret_cast<const std::uint8_t*>(&node + 1); }
const std::uint8_t* bytes_of(const AddressNode& node) { return reinterpret_cast<const std::uint8_t*>(&node + 1); }

bool is(const NameNode& node, Bytes name) {
  return node.name_size == name.size() && std::equal(name.begin(), name.end(), bytes_of(node));
}
bool is(const AddressNode& node, Bytes address) {
  return node.size == address.size() && std::equal(address.begin(), address.end(), bytes_of(node));
}

}  // namespace

std::uint64_t hash_name(dns::NameView name) {
  std::uint64_t hash = kApexHash;
  for (; !name.is_root(); name = name.parent()) hash = hash_label(hash, name.data());
  return hash;
}

std::uint64_t hash_address(const IpAddress& address) {
  std::array<std::uint8_t, 17> label{};  // a length byte and the address
  label[0] = static_cast<std::uint8_t>(address.bytes().size());
  std::ranges::copy(address.bytes(), label.begin() + 1);
  return hash_label(kApexHash, label.data());
}

Result<> HostsImage::check(Bytes image) {
  if (image.size() < sizeof(Header)) return fail("an image of hosts of {} is too short", counted(image.size(), "byte"));
  const HostsImage checked(image);
  if (checked.header().magic != kMagic) return fail("not an image of hosts");
  if (checked.header().size != image.size()) return fail("an image of hosts has a wrong size");
  return {};
}

Bytes HostsImage::addresses_of(dns::NameView name, bool v6) const {
  const std::uint64_t hash = hash_name(name);
  const std::uint32_t count = header().name_slot_count;
  const Slot* const slots = at<Slot>(header().name_slots);
  for (std::uint32_t i = first_slot(hash, count); slots[i].node != 0; i = i + 1 == count ? 0 : i + 1) {
    if (slots[i].tag != slot_tag(hash)) continue;
    const NameNode& node = *at<NameNode>(slots[i].node);
    if (!is(node, name.bytes())) continue;
    const std::uint8_t* const v4s = bytes_of(node) + padded(node.name_size);
    if (v6) return {v4s + std::size_t{node.v4} * 4, std::size_t{node.v6} * 16};
    return {v4s, std::size_t{node.v4} * 4};
  }
  return {};
}

Bytes HostsImage::addresses(dns::NameView name, bool v6) const {
  if (image_.empty()) return {};
  const Bytes own = addresses_of(name, v6);
  if (!own.empty() || name.is_root()) return own;
  std::array<std::uint8_t, dns::kMaxName> wildcard;
  const Bytes parent = name.parent().bytes();
  if (parent.size() + 2 > wildcard.size()) return {};
  wildcard[0] = 1;
  wildcard[1] = '*';
  std::ranges::copy(parent, wildcard.begin() + 2);
  return addresses_of({wildcard.data(), parent.size() + 2}, v6);
}

const AddressNode* HostsImage::find(const IpAddress& address) const {
  if (image_.empty()) return nullptr;
  const std::uint64_t hash = hash_address(address);
  const std::uint32_t count = header().address_slot_count;
  const Slot* const slots = at<Slot>(header().address_slots);
  for (std::uint32_t i = first_slot(hash, count); slots[i].node != 0; i = i + 1 == count ? 0 : i + 1) {
    const AddressNode* const node = at<AddressNode>(slots[i].node);
    if (slots[i].tag == slot_tag(hash) && is(*node, address.bytes())) return node;
  }
  return nullptr;
}

dns::NameView HostsImage::name_of(const AddressNode& node, std::uint32_t index) const {
  const Ref* const refs = reinterpret_cast<const Ref*>(bytes_of(node) + node.size);
  const NameNode& name = *at<NameNode>(refs[index]);
  return {bytes_of(name), name.name_size};
}

}  // namespace swage::plugins::hosts
