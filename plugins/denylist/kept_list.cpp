#include "plugins/denylist/kept_list.h"

#include <algorithm>
#include <cstring>

namespace swage::plugins::denylist {
namespace {

constexpr std::uint64_t kMagic = 0x31'74'70'65'6B'79'6E'64;  // and the version
constexpr std::size_t kEntry = 18;                           // bytes
constexpr std::uint64_t kMaxText = 64 << 10;

struct Header {
  std::uint64_t magic;
  std::int64_t time;
  std::uint64_t etag_size, last_modified_size, entries;
};

std::optional<Prefix> read_entry(const std::uint8_t* at) {
  const bool v6 = at[0] == 6;
  if ((!v6 && at[0] != 4) || at[1] > (v6 ? 128 : 32)) return std::nullopt;
  return Prefix{v6 ? IpAddress::v6({at + 2, 16}) : IpAddress::v4({at + 2, 4}), at[1]};
}

}  // namespace

Result<shm::Segment> keep(const std::string& name, const KeptList& list) {
  const Header header{kMagic, list.time, list.etag.size(), list.last_modified.size(), list.entries.size()};
  const std::size_t size = sizeof header + list.etag.size() + list.last_modified.size() + kEntry * list.entries.size();
  TRY(shm::Segment memory, shm::Segment::create("swage " + name, size));
  std::uint8_t* at = memory.writable_bytes().data();
  const auto put = [&at](const void* data, std::size_t count) {
    std::memcpy(at, data, count);
    at += count;
  };
  put(&header, sizeof header);
  put(list.etag.data(), list.etag.size());
  put(list.last_modified.data(), list.last_modified.size());
  for (const Prefix& entry : list.entries) {
    at[0] = entry.address.is_v6() ? 6 : 4;
    at[1] = entry.length;
    std::ranges::copy(entry.address.bytes(), at + 2);
    at += kEntry;
  }
  return memory;
}

std::optional<KeptList> recall(Bytes memory) {
  Header header{};
  if (memory.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, memory.data(), sizeof header);
  memory = memory.subspan(sizeof header);
  if (header.magic != kMagic || header.etag_size > kMaxText || header.last_modified_size > kMaxText) {
    return std::nullopt;
  }
  const std::size_t texts = header.etag_size + header.last_modified_size;
  if (memory.size() < texts || (memory.size() - texts) / kEntry != header.entries ||
      (memory.size() - texts) % kEntry != 0) {
    return std::nullopt;
  }
  KeptList list;
  list.time = header.time;
  list.etag = as_text(memory.first(header.etag_size));
  list.last_modified = as_text(memory.subspan(header.etag_size, header.last_modified_size));
  list.entries.reserve(header.entries);
  for (memory = memory.subspan(texts); !memory.empty(); memory = memory.subspan(kEntry)) {
    const auto entry = read_entry(memory.data());
    if (!entry) return std::nullopt;
    list.entries.push_back(*entry);
  }
  return list;
}

}  // namespace swage::plugins::denylist
