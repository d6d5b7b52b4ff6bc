// Denial by NSEC3 (RFC 5155 section 7.2).
#include <algorithm>

#include "core/dns/nsec3_hash.h"
#include "core/zone/denial.h"

namespace swage::zone {

using image::Node;
using image::Nsec3;

namespace {

// The first entry that is not below `hash`, which may be the end.
const Nsec3* lower_bound(ImageReader zone, const dns::Nsec3Hash& hash) {
  const image::Header& header = zone.header();
  const auto* const entries = zone.at<Nsec3>(header.nsec3);
  const auto* const bucket =
      zone.at<std::uint32_t>(header.nsec3_buckets) + (load_u32(hash.data()) >> header.nsec3_shift);
  const Nsec3* entry = entries + bucket[0];
  while (entry < entries + bucket[1] && entry->hash < hash) ++entry;
  return entry;
}

dns::Nsec3Hash hash_of(ImageReader zone, dns::NameView name) {
  const image::Header& header = zone.header();
  return nsec3_hash(name, {header.nsec3_salt.data(), header.nsec3_salt_size}, header.nsec3_iterations);
}

void add_entry(ImageReader zone, Sections& sections, const Nsec3& entry) {
  const Node& owner = *zone.at<Node>(entry.node);
  sections.add_once(owner, *find_rrset(owner, dns::Type::nsec3));
}

}  // namespace

bool Nsec3Chain::match(dns::NameView name) {
  const dns::Nsec3Hash hash = hash_of(zone_, name);
  const Nsec3* const entry = lower_bound(zone_, hash);
  if (entry == zone_.at<Nsec3>(zone_.header().nsec3) + zone_.header().nsec3_count || entry->hash != hash) return false;
  add_entry(zone_, sections_, *entry);
  return true;
}

void Nsec3Chain::cover(dns::NameView name) {
  const auto* const first = zone_.at<Nsec3>(zone_.header().nsec3);
  const Nsec3* const next = lower_bound(zone_, hash_of(zone_, name));
  // The last covers what comes before the first.
  add_entry(zone_, sections_, next == first ? first[zone_.header().nsec3_count - 1] : next[-1]);
}

dns::NameView Nsec3Chain::closest_encloser(dns::NameView name, dns::NameView encloser) {
  dns::NameView next_closer = name;
  while (next_closer.parent().size() > encloser.size()) next_closer = next_closer.parent();
  while (!match(encloser) && encloser.size() > zone_.apex().name_size) {
    next_closer = encloser;
    encloser = encloser.parent();
  }
  cover(next_closer);
  return encloser;
}

}  // namespace swage::zone
