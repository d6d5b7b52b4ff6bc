// SocketWatch: tells a library that does its own I/O (c-ares, libcurl) when one of its sockets is readable or writable.
#pragma once

#include <functional>
#include <memory>

#include "core/async/loop.h"

namespace swage::async {

struct Readiness {
  bool readable = false, writable = false;
};

// Calls a function as long as the socket is ready for what want() asked for last; with `failed` if it has an error.
// Does not own the socket, which must stay open until the destruction. The function may destroy the watch.
class SocketWatch {
 public:
  struct Found : Readiness {
    bool failed = false;
  };

  // REQUIRES: nothing else on this loop watches `fd`. Makes it non-blocking. Watches nothing before want().
  SocketWatch(Loop& loop, int fd, std::function<void(Found)> ready);
  void want(Readiness what);

 private:
  struct Handle;  // libuv's
  struct CloseHandle {
    void operator()(Handle* handle) const;
  };
  std::unique_ptr<Handle, CloseHandle> handle_;
};

}  // namespace swage::async
