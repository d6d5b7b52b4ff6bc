// Many compiled zones as one flat, read-only block of bytes: a table of their names, sorted by hash, and after it the
// images (core/zone/image.h). Written in the service process, read in all.
//
//     | Header | Entry x count, by hash | names | image | image | ... each on a cache line |
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "core/bytes.h"
#include "core/dns/name.h"
#include "core/dns/query.h"
#include "core/shm/segment.h"

namespace swage::plugins::auto_ {

class ZoneSet {
 public:
  // REQUIRES: `set` is empty, or was made by write() and is aligned to 64.
  explicit ZoneSet(Bytes set) : set_(set) {}

  // The image of the zone with this name, in lower case; empty where there is none.
  [[nodiscard]] Bytes find(dns::NameView name) const;
  // The image of the zone that answers the query (dns::find_authority()); empty where there is none.
  [[nodiscard]] Bytes authority(const dns::Query& query) const;
  [[nodiscard]] std::uint32_t count() const { return set_.empty() ? 0 : header().count; }

  // `images` by name, in wire format and lower case.
  [[nodiscard]] static Result<shm::Segment> write(const std::string& segment,
                                                  const std::map<std::string, Bytes>& images);

 private:
  struct Header {
    std::array<char, 8> magic;
    std::uint32_t count, most_labels;
  };
  struct Entry {
    std::uint64_t hash, image, image_size, name, name_size;  // places in bytes
  };
  [[nodiscard]] const Entry* find(std::uint64_t hash, dns::NameView name) const;
  [[nodiscard]] const Header& header() const { return *reinterpret_cast<const Header*>(set_.data()); }
  [[nodiscard]] const Entry* entries() const { return reinterpret_cast<const Entry*>(set_.data() + sizeof(Header)); }

  Bytes set_;
};

}  // namespace swage::plugins::auto_
