#include "plugins/auto_/zone_set.h"

#include <algorithm>
#include <vector>

#include "core/dns/zones.h"

namespace swage::plugins::auto_ {
namespace {

constexpr std::array<char, 8> kMagic = {'s', 'w', 'a', 'g', 'z', 's', 'e', 't'};
constexpr std::size_t kCacheLine = 64;

std::size_t aligned(std::size_t size) { return (size + kCacheLine - 1) / kCacheLine * kCacheLine; }

}  // namespace

const ZoneSet::Entry* ZoneSet::find(std::uint64_t hash, dns::NameView name) const {
  const Entry* const end = entries() + count();
  const Entry* entry = std::ranges::lower_bound(entries(), end, hash, {}, &Entry::hash);
  for (; entry != end && entry->hash == hash; ++entry) {
    if (std::ranges::equal(set_.subspan(entry->name, entry->name_size), name.bytes())) return entry;
  }
  return nullptr;
}

Bytes ZoneSet::find(dns::NameView name) const {
  const Entry* const entry = set_.empty() ? nullptr : find(dns::hash_name(name), name);
  return entry == nullptr ? Bytes() : set_.subspan(entry->image, entry->image_size);
}

Bytes ZoneSet::authority(const dns::Query& query) const {
  if (set_.empty()) return {};
  const Entry* const entry = dns::find_authority(query, [&](std::size_t most_labels) {
    const Entry* longest = nullptr;
    dns::for_each_suffix(query, std::min<std::size_t>(most_labels, header().most_labels),
                         [&](std::uint64_t hash, dns::NameView name) {
                           if (const Entry* const found = find(hash, name)) longest = found;
                         });
    return longest;
  });
  return entry == nullptr ? Bytes() : set_.subspan(entry->image, entry->image_size);
}

Result<shm::Segment> ZoneSet::write(const std::string& segment, const std::map<std::string, Bytes>& images) {
  Header header{kMagic, static_cast<std::uint32_t>(images.size()), 0};
  std::vector<Entry> entries;
  std::size_t size = sizeof header + images.size() * sizeof(Entry);
  for (const auto& [text, image] : images) {
    const dns::NameView name(as_bytes(text).data(), text.size());
    header.most_labels = std::max(header.most_labels, static_cast<std::uint32_t>(name.label_count()));
    entries.push_back({dns::hash_name(name), 0, image.size(), size, text.size()});
    size += text.size();
  }
  for (Entry& entry : entries) {
    entry.image = aligned(size);
    size = entry.image + entry.image_size;
  }
  TRY(shm::Segment made, shm::Segment::create(segment, size));
  std::uint8_t* const start = made.writable_bytes().data();
  std::memcpy(start, &header, sizeof header);
  auto entry = entries.cbegin();  // in the order of `images` still
  for (const auto& [text, image] : images) {
    std::ranges::copy(as_bytes(text), start + entry->name);
    std::ranges::copy(image, start + entry->image);
    ++entry;
  }
  std::ranges::sort(entries, {}, &Entry::hash);
  std::memcpy(start + sizeof header, entries.data(), entries.size() * sizeof(Entry));
  return made;
}

}  // namespace swage::plugins::auto_
