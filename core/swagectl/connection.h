// A connection to the control socket of a server. Waits, but never for ever.
#pragma once

#include <chrono>
#include <string>

#include "core/descriptor.h"
#include "core/result.h"

namespace swage::ctl {

class Connection {
 public:
  using Milliseconds = std::chrono::milliseconds;

  // Connects and sends the request, without a newline in it.
  [[nodiscard]] static Result<Connection> open(const std::string& path, const std::string& request);
  // The next line of the answer. An Error where none comes within that time, or none will.
  [[nodiscard]] Result<std::string> line(Milliseconds patience);

 private:
  explicit Connection(Descriptor socket) : socket_(std::move(socket)) {}

  Descriptor socket_;
  std::string read_;  // and not given yet
};

}  // namespace swage::ctl
