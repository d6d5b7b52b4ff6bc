// What a directive `dnstap` says.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/dnstap/message.h"
#include "core/plugin/log_line.h"
#include "core/result.h"

namespace swage::plugins::dnstap {

namespace tap = swage::dnstap;

// Where the consumer is.
struct Target {
  enum class Kind : std::uint8_t { unix_socket, tcp, tls };
  Kind kind = Kind::unix_socket;
  std::string text;  // as the log and the metrics have it
  std::string path;  // unix_socket
  std::string host;  // tcp, tls: a name or an address
  std::uint16_t port = 0;
};

// "/path", "unix:///path", "tcp://HOST:PORT", "tls://HOST:PORT".
[[nodiscard]] Result<Target> parse_target(std::string_view text);

struct Settings {
  Target target;
  bool full = false;     // with the messages themselves
  std::size_t ring = 0;  // bytes in each dns process
  bool verifies = true;  // the consumer's certificate
  log_line::Format extra = log_line::Format("");
  bool has_extra = false;
  tap::Sender sender;
};

}  // namespace swage::plugins::dnstap
