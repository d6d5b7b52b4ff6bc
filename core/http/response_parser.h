// ResponseParser: one response of HTTP/1.1 or 1.0 (RFC 9112) out of bytes. Without I/O.
#pragma once

#include <memory>

#include "core/bytes.h"
#include "core/http/message.h"
#include "core/result.h"

namespace swage::http {

class ResponseParser {
 public:
  // `to_head`: the request was HEAD, and so the response has no body, whatever it says.
  ResponseParser(bool to_head, MessageLimits limits);
  ~ResponseParser();
  ResponseParser(const ResponseParser&) = delete;
  ResponseParser& operator=(const ResponseParser&) = delete;

  // Takes what belongs to the response from the front of `in`, 1xx in front of it too (a few), but for 101. After an
  // Error it is of no more use.
  [[nodiscard]] Result<> receive(Bytes& in);
  // The connection has ended. An Error where the response has not.
  [[nodiscard]] Result<> receive_end();
  [[nodiscard]] bool done() const;
  // True where the connection can go on after this response, as far as it says. REQUIRES: done, not taken.
  [[nodiscard]] bool keeps_alive() const;
  // REQUIRES: done; once.
  [[nodiscard]] Response take();

 private:
  struct State;
  [[nodiscard]] Result<> receive_head(Bytes& in);

  const bool to_head_;
  const MessageLimits limits_;
  std::unique_ptr<State> state_;  // a new one after each 1xx
  unsigned skipped_ = 0;          // of those
};

}  // namespace swage::http
