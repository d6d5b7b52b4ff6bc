// NotifyKey: what a dns process that took a NOTIFY tells the service process, as a key of a Fetch
// (core/plugin/fetch.h):
//
//     zone, in wire format   address of who sent it, 4 or 16 bytes   id of the message, 16 bits
//
// The id tells one NOTIFY from the next, while the one before is on its way.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/bytes.h"
#include "core/dns/name.h"
#include "core/net.h"
#include "core/plugin/fetch.h"

namespace swage::plugins::secondary {

class NotifyKey {
 public:
  NotifyKey(dns::NameView zone, const IpAddress& from, std::uint16_t id) {
    append(zone.bytes());
    append(from.bytes());
    store_u16(&bytes_[size_], id);
    size_ += 2;
  }
  [[nodiscard]] Bytes bytes() const { return Bytes(bytes_).first(size_); }

  struct Notify {
    dns::Name zone;
    IpAddress from;
  };
  // A dns process may have been taken over: nullopt where it is not such a key.
  [[nodiscard]] static std::optional<Notify> read(std::string_view key) {
    const auto zone = dns::Name::from_wire(as_bytes(key));
    if (!zone) return std::nullopt;
    const Bytes rest = as_bytes(key).subspan(zone->size());
    if (rest.size() == 4 + 2) return Notify{zone->lowercased(), IpAddress::v4(rest.first(4))};
    if (rest.size() == 16 + 2) return Notify{zone->lowercased(), IpAddress::v6(rest.first(16))};
    return std::nullopt;
  }

 private:
  void append(Bytes bytes) {
    std::ranges::copy(bytes, &bytes_[size_]);
    size_ += bytes.size();
  }

  std::array<std::uint8_t, dns::kMaxName + 16 + 2> bytes_{};
  static_assert(sizeof bytes_ <= Fetch::kMaxKey);
  std::size_t size_ = 0;
};

}  // namespace swage::plugins::secondary
