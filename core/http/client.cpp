#include "core/http/client.h"

#include <array>
#include <optional>
#include <utility>

#include "core/http/response_parser.h"

namespace swage::http {

using async::Task;

namespace {

constexpr std::size_t kReadSize = 4096;  // bytes

}  // namespace

Task<Result<Received>> exchange(async::Stream& stream, std::string request, ClientLimits limits) {
  const Result<> written = co_await stream.write(as_bytes(request));
  ResponseParser parser(request.starts_with("HEAD "), {limits.header, limits.fields, limits.body});
  std::array<std::uint8_t, kReadSize> buffer;
  Bytes rest;
  while (!parser.done()) {
    // A server that refuses a request may close before it has read all of it: the reason is worth more than the write's
    // Error.
    const Result<std::size_t> size = co_await stream.read(buffer);
    if (!size && !written) co_return std::unexpected(written.error());
    if (!size) co_return std::unexpected(size.error());
    rest = Bytes(buffer).first(*size);
    CO_TRY(*size == 0 ? parser.receive_end() : parser.receive(rest));
  }
  Received received;
  received.reusable = parser.keeps_alive() && written && rest.empty();
  static_cast<Response&>(received) = parser.take();
  co_return received;
}

}  // namespace swage::http
