// A service manager for tests: the socket that $NOTIFY_SOCKET names (sd_notify(3)), and what is sent there.
#pragma once

#include <chrono>
#include <string>

#include "core/descriptor.h"
#include "tests/support/loopback.h"

namespace swage::tests {

class NotifySocket {
 public:
  // told() waits for as long as `patience`.
  explicit NotifySocket(std::chrono::seconds patience);

  [[nodiscard]] const std::string& path() const { return path_; }
  // The next message; empty if none came.
  [[nodiscard]] std::string told() const;

 private:
  Folder folder_;
  std::string path_;
  Descriptor socket_;
};

}  // namespace swage::tests
