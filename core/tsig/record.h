// The TSIG record of a message (RFC 8945 section 4.2): found, and added. Any process; no I/O. Faces untrusted bytes.
//
//     key's name   type 250   class ANY   TTL 0   RDLENGTH
//     algorithm's name   time signed 48   fudge 16   MAC size 16   MAC   original id 16   error 16   other size 16
//     other
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/bytes.h"
#include "core/dns/name.h"

namespace swage::tsig {

inline constexpr std::uint16_t kFudge = 300;  // seconds that clocks may differ, as we say (RFC 8945 section 10)
inline constexpr std::size_t kTimeSize = 6;   // bytes of a time on the wire

// TSIG's error codes (RFC 8945 section 3).
enum class Error : std::uint16_t { none = 0, badsig = 16, badkey = 17, badtime = 18, badtrunc = 22 };

struct Record {
  dns::Name key;            // lower case
  dns::Name algorithm;      // lower case
  std::uint64_t time = 0;   // seconds since 1970, 48 bits
  std::uint16_t fudge = 0;  // seconds
  Bytes mac;                // in the message, or elsewhere
  std::uint16_t original_id = 0;
  std::uint16_t error = 0;
  Bytes other;
};

enum class Found : std::uint8_t {
  none,
  one,        // the last record of the additional section
  malformed,  // elsewhere, more than one, not in its form; or the message is not (RFC 8945 section 5.2)
};

// Looks for the TSIG record of `message`, and reads it. `start`: where it begins; 0 where there is none.
[[nodiscard]] Found find(Bytes message, Record& record, std::size_t& start);

// How many bytes append() adds.
[[nodiscard]] std::size_t size_of(const Record& record);
// Puts `record` after the message, which has `size` bytes of `memory`, and counts it in the header. Gives the size of
// the whole. REQUIRES: `memory` has room for it.
[[nodiscard]] std::size_t append(MutableBytes memory, std::size_t size, const Record& record);

[[nodiscard]] std::uint64_t load_time(const std::uint8_t* at);
[[nodiscard]] std::array<std::uint8_t, kTimeSize> time_bytes(std::uint64_t time);

}  // namespace swage::tsig
