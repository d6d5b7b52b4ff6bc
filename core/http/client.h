// A client's side of HTTP/1.1 for requests that the caller has composed, byte by byte: for tests, and for programs that
// imitate another client exactly. No redirects, no cookies, no connection of its own.
#pragma once

#include <cstddef>
#include <string>

#include "core/async/stream.h"
#include "core/async/task.h"
#include "core/http/message.h"
#include "core/result.h"

namespace swage::http {

struct ClientLimits {
  std::size_t header = 16 << 10;  // bytes of status line and fields; of a chunked body's trailers and extensions again
  std::size_t fields = 100;
  std::size_t body = 1 << 20;  // bytes, decoded
};

struct Received : Response {
  bool reusable = false;  // the connection: for another exchange()
};

// Writes `request` as it is, and reads one response: of any framing (RFC 9112, 6.3), after any 1xx, without a body
// where the request begins with "HEAD ". A response that comes before all was written counts. Has no deadline: close
// the stream. After an Error, or where `reusable` is false, the connection is of no more use. REQUIRES: nobody else
// reads or writes; `stream` lives until then.
[[nodiscard]] async::Task<Result<Received>> exchange(async::Stream& stream, std::string request,
                                                     ClientLimits limits = {});

}  // namespace swage::http
