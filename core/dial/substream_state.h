// What a Connection and a Substream know of a stream together, either of which may go first. Theirs alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/async/event.h"
#include "core/dial/connection.h"

namespace swage::dial::detail {

struct SubstreamState {
  SubstreamState(async::Loop& loop, Connection& of, libp2p::yamux::StreamId number)
      : connection(&of), id(number), readable(loop), writable(loop) {}

  // Reads give what has arrived, then its end, or this Error if there is none yet.
  void end(std::string_view why) {
    connection = nullptr;
    if (!error) error = Error(std::string(why));
    readable.set();
    writable.set();
  }

  void forget() {
    arrived.clear();
    taken = 0;
  }

  Connection* connection;  // nullptr when it is of no use any more
  libp2p::yamux::StreamId id;
  std::vector<std::uint8_t> arrived;  // bytes that were not read
  std::size_t taken = 0;              // of them, from the front, that were
  bool finished = false;              // no more come
  bool closed = false;                // by us
  std::optional<Error> error;
  async::Event readable;  // bytes, their end, or an error
  async::Event writable;  // perhaps
};

}  // namespace swage::dial::detail
