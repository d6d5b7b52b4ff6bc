#include "core/zone/lookup.h"

#include <algorithm>

#include "core/dns/label_hash.h"

namespace swage::zone {

using image::Node;
using image::Rrset;

SearchName::SearchName(const image::Header& zone, const dns::Query& query)
    : zone_(zone),
      spelling_(query.qname),
      key_(query.key.data()),
      labels_(query.labels.data()),
      depth_(std::size_t{query.label_count} - zone.apex_labels) {
  hash_all();
}

void SearchName::set(dns::NameView name) {
  std::size_t count = 0;
  for (std::size_t at = 0;; at += 1U + name.data()[at]) {
    own_labels_[count] = static_cast<std::uint8_t>(at);
    if (name.data()[at] == 0) break;
    ++count;
  }
  std::transform(name.data(), name.data() + name.size(), own_key_.begin(), dns::lower);
  spelling_ = name;
  key_ = own_key_.data();
  labels_ = own_labels_.data();
  depth_ = count - zone_.apex_labels;
  hash_all();
}

void SearchName::hash_all() {
  std::uint64_t hash = hashes_[0] = image::kApexHash;
  const std::size_t deepest = std::min<std::size_t>(depth_, zone_.max_depth);
  for (std::size_t depth = 1; depth <= deepest; ++depth) {
    hash = hashes_[depth] = dns::hash_label(hash, key_ + labels_[depth_ - depth]);
  }
}

const Node* ImageReader::probe(std::uint64_t hash, dns::NameView key) const {
  const image::Header& zone = header();
  const auto* slots = at<image::Slot>(zone.slots);
  const std::uint32_t tag = image::slot_tag(hash);
  std::uint32_t i = image::first_slot(hash, zone.slot_count);
  for (; slots[i].node != 0; i = i + 1 == zone.slot_count ? 0 : i + 1) {
    if (slots[i].tag != tag) continue;
    const auto* node = at<Node>(slots[i].node);
    __builtin_prefetch(reinterpret_cast<const std::uint8_t*>(node) + 64);
    if (node->name_size != key.size()) continue;
    const bool same = (node->flags & image::kUpperCase) == 0
                          ? std::memcmp(node->name_data(), key.data(), key.size()) == 0
                          : node->name() == key;
    if (same) return node;
  }
  return nullptr;
}

const Node* ImageReader::probe(const SearchName& name, std::size_t depth) const {
  return depth == 0 ? &apex() : probe(name.hash(depth), name.suffix(depth));
}

Found ImageReader::find(const SearchName& name) const {
  const std::size_t max_depth = header().max_depth;
  if (name.depth() <= max_depth) {
    if (const Node* node = probe(name, name.depth())) return {node, node, name.depth()};
  }
  // Every parent of a name has a node: the closest encloser can be found by halving. A flood of random names mostly
  // ends after one probe, and one of 120 labels after seven.
  std::size_t exists = 0;
  std::size_t below = std::min(name.depth(), max_depth + 1);  // does not exist
  const Node* encloser = &apex();
  while (exists + 1 < below) {
    const std::size_t middle = (exists + below) / 2;
    if (const Node* node = probe(name, middle)) {
      exists = middle;
      encloser = node;
    } else {
      below = middle;
    }
  }
  return {nullptr, encloser, exists};
}

const Rrset* find_rrset(const Node& node, dns::Type type) {
  for (const Rrset& rrset : Rrsets(node)) {
    if (rrset.type == static_cast<std::uint16_t>(type)) return rrset.count == 0 ? nullptr : &rrset;
  }
  return nullptr;
}

RdataCursor::RdataCursor(const Rrset& rrset) : at_(reinterpret_cast<const std::uint8_t*>(&rrset + 1)) {
  if (image::has_targets(dns::Type{rrset.type})) at_ += rrset.count * sizeof(image::Ref);
}

}  // namespace swage::zone
