// Reads one record in presentation format, "www.example.org. 60 IN A 192.0.2.1", for plugins that make records from
// text.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/dns/name.h"
#include "core/dns/types.h"
#include "core/result.h"
#include "core/zonefile/lexer.h"

namespace swage::zonefile {

// Used again for the next record: once its memory has grown to its working size, records of the usual types cost no
// allocation; rare ones and Errors do.
class RecordParser {
 public:
  // Owner, TTL, class and type, then data, as in a zone file; names are absolute without their final dot too. The TTL
  // is 3600 and the class IN where they are left out. Fails for text that is not exactly one record, or whose type is a
  // meta type.
  [[nodiscard]] Result<> parse(std::string_view text);

  // Of the last parse() that succeeded, until the next one.
  [[nodiscard]] dns::NameView owner() const { return {owner_.data(), owner_size_}; }
  [[nodiscard]] dns::Type type() const { return type_; }
  [[nodiscard]] dns::Class rclass() const { return rclass_; }
  [[nodiscard]] std::uint32_t ttl() const { return ttl_; }
  [[nodiscard]] Bytes rdata() const { return rdata_; }
  [[nodiscard]] std::string_view doubt() const { return doubt_; }  // of check_rdata(); empty: none

 private:
  [[nodiscard]] OrFault<> read(std::string_view text);

  Entry entry_, rest_;
  std::array<std::uint8_t, dns::kMaxName> owner_{};
  std::size_t owner_size_ = 1;
  dns::Type type_ = dns::Type::a;
  dns::Class rclass_ = dns::Class::in;
  std::uint32_t ttl_ = 0;
  std::vector<std::uint8_t> rdata_;
  std::string_view doubt_;
};

}  // namespace swage::zonefile
