// BodyReader: the body of a message, however it is framed (RFC 9112, 6.3). Without I/O. Internal to core/http.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "core/bytes.h"
#include "core/http/chunks.h"
#include "core/http/fault.h"
#include "core/http/message.h"

namespace swage::http {

class BodyReader {
 public:
  enum class Framing { length, chunks, until_end };

  // `length`: of Framing::length. One that is too large is refused by the first receive(), which may be of no bytes.
  BodyReader(Framing framing, std::uint64_t length, MessageLimits limits);

  // Takes what belongs to the body from the front of `in`.
  [[nodiscard]] Checked<> receive(Bytes& in);
  // The connection has ended.
  [[nodiscard]] Checked<> receive_end();
  [[nodiscard]] bool done() const;
  [[nodiscard]] std::string& body() { return body_; }

 private:
  Framing framing_;
  std::uint64_t left_;
  std::size_t most_;
  ChunkReader chunks_;
  std::string body_;
  bool ended_ = false;
};

// The number that is the value of Content-Length; the largest of all where it does not fit. nullopt: none.
[[nodiscard]] std::optional<std::uint64_t> parse_length(std::string_view value);

}  // namespace swage::http
