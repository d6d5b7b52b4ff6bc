// Frame Streams, the protocol that carries dnstap (farsightsec/fstrm, fstrm/control.h): frames, each with its length,
// and control frames between them. The side of the sender, in the two-way form:
//
//     sender    READY ──▶        START ──▶  frames … ──▶  STOP ──▶
//     consumer         ◀── ACCEPT                                  ◀── FINISH
//
// A data frame is its length (4 bytes, big-endian, not 0) and its bytes; a control frame is a length of 0, its own
// length, its type and its fields. No I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/result.h"

namespace swage::dnstap {

enum class Control : std::uint32_t { accept = 1, start = 2, stop = 3, ready = 4, finish = 5 };

inline constexpr std::string_view kContentType = "protobuf:dnstap.Dnstap";

// Appends a frame. REQUIRES: `payload` is not empty and has less than 2^32 bytes.
void append_frame(std::string_view payload, std::string& frames);
// READY and START name kContentType.
[[nodiscard]] std::string control_frame(Control type);

// Reads what a consumer says: control frames alone.
class ControlReader {
 public:
  // More bytes of the connection.
  void feed(Bytes bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  // The next control frame; nullopt: it is not there yet. An Error where the other side does not speak Frame Streams,
  // or wants other content than ours.
  [[nodiscard]] Result<std::optional<Control>> next();

 private:
  std::vector<std::uint8_t> bytes_;  // that no frame was made of yet
};

}  // namespace swage::dnstap
