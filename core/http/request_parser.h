// RequestParser: one request of HTTP/1.1 or 1.0 (RFC 9112) out of bytes. Without I/O: bytes go in, a Request comes out.
//
// Nothing is read that two readers could read in two ways. Refused: what HeadReader refuses; space before a colon;
// Content-Length that is not a plain number, twice, or with Transfer-Encoding; Transfer-Encoding in HTTP/1.0; Host that
// is missing from HTTP/1.1, twice, no host, or not the one of an absolute target; malformed chunks, sizes and
// extensions.
#pragma once

#include <expected>
#include <memory>
#include <string_view>

#include "core/bytes.h"
#include "core/http/message.h"

namespace swage::http {

// How a bad request is answered, before the connection is closed.
struct Refusal {
  unsigned status = 400;
  std::string_view text = "malformed request";  // static
};

class RequestParser {
 public:
  enum class Stage { start, head, body, done };  // start: not a byte was seen

  explicit RequestParser(MessageLimits limits);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // Takes what belongs to the request from the front of `in`: when done, what is left belongs to the next one. A body
  // that is too large is not waited for. After a Refusal it is of no more use. Holds at most the limits, twice.
  [[nodiscard]] std::expected<void, Refusal> receive(Bytes& in);
  [[nodiscard]] Stage stage() const;
  // True where the client waits for a 100 before it sends the body (RFC 9110, 10.1.1). REQUIRES: Stage::body.
  [[nodiscard]] bool expects_continue() const;
  // True where the connection can go on after this request, as far as the client says. REQUIRES: done, not taken.
  [[nodiscard]] bool keeps_alive() const;
  // REQUIRES: done; once.
  [[nodiscard]] Request take();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace swage::http
