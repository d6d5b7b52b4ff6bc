// How a connection of HTTP/1.1 becomes a WebSocket (RFC 6455 section 4), by Boost.Beast's parser. Without I/O. Internal
// to core/websocket.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/bytes.h"
#include "core/result.h"

namespace swage::websocket {

// Collects the head of a message: up to the empty line, and no byte of what follows it.
class HttpHead {
 public:
  static constexpr std::size_t kMaxSize = std::size_t{16} << 10;  // bytes

  // Takes bytes from the front of `in`. True when the head is there; an Error where it is too large.
  [[nodiscard]] Result<bool> receive(Bytes& in);
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// Sec-WebSocket-Key of 16 random bytes, and what a server makes of a key.
[[nodiscard]] std::string client_key(Bytes sixteen);
[[nodiscard]] std::string accept_key(std::string_view key);

// Fails where `host` or `path` cannot stand in a request.
[[nodiscard]] Result<std::string> upgrade_request(std::string_view host, std::string_view path, std::string_view key);
// Whether the server has agreed, to nothing that was not asked for.
[[nodiscard]] Result<> check_upgrade_response(std::string_view head, std::string_view key);

struct UpgradeAnswer {
  std::string response;          // to be sent in any case: 101, 400 or 426
  std::optional<Error> refusal;  // none: the connection is a WebSocket now
};
[[nodiscard]] UpgradeAnswer answer_upgrade_request(std::string_view head);

}  // namespace swage::websocket
