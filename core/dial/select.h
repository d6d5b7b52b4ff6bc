// multistream-select (core/libp2p/multistream.h) over a stream.
#pragma once

#include <string>
#include <vector>

#include "core/async/task.h"
#include "core/dial/pushback_stream.h"
#include "core/result.h"

namespace swage::dial {

enum class Side {
  dialler,
  listener
};  // the side that opened the connection or the stream, and so proposes; the one that chooses

// The protocol that both sides will speak from here on: of ours, in the dialler's order. What the other side says in it
// already is still to be read. REQUIRES: awaited at once; a dialler has at least one protocol.
[[nodiscard]] async::Task<Result<std::string>> select(PushbackStream& stream, Side side,
                                                      std::vector<std::string> protocols);

}  // namespace swage::dial
