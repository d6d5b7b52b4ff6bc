// ChunkReader: a body in chunks (RFC 9112, 7.1), strictly. Without I/O. Internal to core/http.
//
//     4;name=value CR LF  Wiki CR LF  …  0 CR LF  Name: trailer CR LF  CR LF
//
// Lines end with CR LF, and hold no other control characters; a size is of up to 16 hexadecimal digits and nothing
// else; extensions and trailers are dropped, but count together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/bytes.h"
#include "core/http/fault.h"

namespace swage::http {

class ChunkReader {
 public:
  // `most_overhead`: bytes of extensions and trailers.
  ChunkReader(std::size_t most_body, std::size_t most_overhead)
      : most_body_(most_body), most_overhead_(most_overhead) {}

  // Takes what belongs to the body from the front of `in`, and appends what is in it to `body`. A chunk that makes the
  // body too large is refused before it came.
  [[nodiscard]] Checked<> receive(Bytes& in, std::string& body);
  [[nodiscard]] bool done() const { return state_ == State::done; }

 private:
  enum class State {
    size,
    extension,
    size_end,  // of a chunk's line; _end: after CR, before LF
    data,
    data_cr,
    data_end,  // of a chunk
    line,
    name,
    value,
    value_end,
    last_end,  // of trailers: a line begins; last: the empty one
    done
  };
  [[nodiscard]] bool step(char c);  // false: malformed
  [[nodiscard]] bool step_size(char c);
  [[nodiscard]] bool step_trailer(char c);
  [[nodiscard]] bool go(bool fits, State next);

  std::size_t most_body_, most_overhead_;
  State state_ = State::size;
  std::uint64_t size_ = 0;  // of the chunk; of what is left of it
  unsigned digits_ = 0;
  std::size_t overhead_ = 0;
};

}  // namespace swage::http
