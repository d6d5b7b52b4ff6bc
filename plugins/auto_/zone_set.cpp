#include "plugins/auto_/zone_set.h"

#include <algorithm>

namespace swage::plugins::auto_ {
namespace {

constexpr std::array<char, 8> kMagic = {'s', 'w', 'a', 'g', 'z', 's', 'e', 't'};
constexpr std::size_t kCacheLine = 64;

std::size_t aligned(std::size_t size) { return (size + kCacheLine - 1) / kCacheLine * kCacheLine; }

}  // namespace

Bytes ZoneSet::find(dns::NameView name) const {
  if (set_.empty()) return {};
  const std::string_view wanted = as_text(name.bytes());
  const auto name_of = [this](const Entry& entry) { return as_text(set_.subspan(entry.name, entry.name_size)); };
  const Entry* const end = entries() + count();
  const Entry* const found = std::lower_bound(
      entries(), end, wanted, [&](const Entry& entry, std::string_view value) { return name_of(entry) < value; });
  if (found == end || name_of(*found) != wanted) return {};
  return set_.subspan(found->image, found->image_size);
}

Result<shm::Segment> ZoneSet::write(const std::string& segment, const std::map<std::string, Bytes>& images) {
  std::size_t names = sizeof(Header) + images.size() * sizeof(Entry), size = names;
  for (const auto& [name, image] : images) size += name.size();
  for (const auto& [name, image] : images) size = aligned(size) + image.size();
  TRY(shm::Segment made, shm::Segment::create(segment, size));
  std::uint8_t* const start = made.writable_bytes().data();
  const Header header{kMagic, static_cast<std::uint32_t>(images.size()), 0};
  std::memcpy(start, &header, sizeof header);
  std::uint8_t* entry_at = start + sizeof header;
  for (const auto& [name, image] : images) {  // the names' places, so that images begin behind the last
    const Entry entry{0, image.size(), names, name.size()};
    std::memcpy(entry_at, &entry, sizeof entry);
    entry_at += sizeof entry;
    std::copy(name.begin(), name.end(), start + names);
    names += name.size();
  }
  std::size_t at = names;
  entry_at = start + sizeof header;
  for (const auto& [name, image] : images) {
    at = aligned(at);
    const std::uint64_t place = at;
    std::memcpy(entry_at, &place, sizeof place);  // Entry::image
    entry_at += sizeof(Entry);
    std::copy(image.begin(), image.end(), start + at);
    at += image.size();
  }
  return made;
}

}  // namespace swage::plugins::auto_
