// Url: where a broker is. No I/O.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.h"

namespace swage::peer {

// http:// or https://, a host, perhaps a port, perhaps a path; nothing else of what URLs can have (RFC 3986).
struct Url {
  bool https = false;
  std::string host;           // without brackets
  std::uint16_t port = 0;     // the scheme's own where none is given
  bool port_written = false;  // it is in the text, be it the scheme's own
  std::string path;           // as given: empty, or begins with '/'

  [[nodiscard]] static Result<Url> parse(std::string_view text);
  // The same with another host: NAME or NAME:PORT; without a port, the scheme's own.
  [[nodiscard]] Result<Url> with_host(std::string_view text) const;

  [[nodiscard]] std::string host_in_brackets() const;      // "[::1]", "example.org"
  [[nodiscard]] std::string authority() const;             // the port where it is not the scheme's own
  [[nodiscard]] std::string authority_as_written() const;  // the port where it was given
  [[nodiscard]] std::string_view scheme() const { return https ? "https" : "http"; }
};

}  // namespace swage::peer
