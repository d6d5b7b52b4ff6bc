// The frames of yamux (https://github.com/libp2p/specs/blob/master/yamux/README.md, "Framing"): headers ↔ bytes.
// No I/O, any process.
#pragma once

#include <cstdint>
#include <expected>
#include <vector>

#include "core/bytes.h"
#include "core/result.h"

namespace swage::libp2p::yamux {

class YamuxError : public Error {
 public:
  enum class Kind {
    bad_version,      // a frame of another version
    bad_type,         // a frame of no known type
    bad_stream,       // a stream number that the other side must not use
    duplicate,        // a second SYN of a stream
    window_exceeded,  // more data than the window lets through
    window_overflow,  // a window of 2^32 bytes or more
    after_fin,        // data after the end of a stream
    output_full,      // our answers pile up: the other side sends and does not read
    going_away,       // no new streams: one of the sides said go away
    too_many,         // streams that we opened, or their numbers are used up
    no_stream,        // a stream that is not there (any more), or not open for writing
  };

  YamuxError(Kind kind, std::string text) : Error(std::move(text)), kind_(kind) {}
  [[nodiscard]] Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

enum class Type : std::uint8_t { data = 0, window_update = 1, ping = 2, go_away = 3 };

enum Flag : std::uint16_t { kSyn = 1, kAck = 2, kFin = 4, kRst = 8 };

inline constexpr std::size_t kHeaderSize = 12;

//      0         1         2         4                 8                 12
//     | version | type    | flags   | stream          | length           | payload (data only)
//     | 0       |         |         | 0: the session  | data: bytes of payload; window update: bytes more;
//                                                       ping: any value, echoed; go away: why
struct Header {
  Type type{};
  std::uint16_t flags = 0;
  std::uint32_t stream = 0;
  std::uint32_t length = 0;

  [[nodiscard]] bool has(Flag flag) const { return (flags & flag) != 0; }
  bool operator==(const Header&) const = default;
};

void append_header(std::vector<std::uint8_t>& out, const Header& header);

// REQUIRES: bytes.size() == kHeaderSize. Flags that nobody knows are let through.
[[nodiscard]] std::expected<Header, YamuxError> parse_header(Bytes bytes);

}  // namespace swage::libp2p::yamux
