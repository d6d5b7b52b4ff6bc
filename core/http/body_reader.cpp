#include "core/http/body_reader.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "core/http/grammar.h"
#include "core/text.h"

namespace swage::http {

BodyReader::BodyReader(Framing framing, std::uint64_t length, MessageLimits limits)
    : framing_(framing), left_(length), most_(limits.body), chunks_(limits.body, limits.header) {}

Checked<> BodyReader::receive(Bytes& in) {
  if (framing_ == Framing::chunks) return chunks_.receive(in, body_);
  const std::size_t room = most_ - body_.size();
  if (framing_ == Framing::length ? left_ > room : in.size() > room) return std::unexpected(Fault::body_too_large);
  Bytes part = in;
  if (framing_ == Framing::length) part = in.first(std::min(static_cast<std::size_t>(left_), in.size()));
  body_ += as_text(part);
  in = in.subspan(part.size());
  left_ -= framing_ == Framing::length ? part.size() : 0;
  return {};
}

Checked<> BodyReader::receive_end() {
  ended_ = framing_ == Framing::until_end;
  return done() ? Checked<>() : std::unexpected(Fault::malformed);
}

bool BodyReader::done() const {
  if (framing_ == Framing::chunks) return chunks_.done();
  return framing_ == Framing::length ? left_ == 0 : ended_;
}

std::optional<std::uint64_t> parse_length(std::string_view value) {
  if (!is_decimal(value)) return std::nullopt;
  std::uint64_t length = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), length);
  return error == std::errc() ? length : std::numeric_limits<std::uint64_t>::max();
}

}  // namespace swage::http
