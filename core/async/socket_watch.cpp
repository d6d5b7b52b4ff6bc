#include "core/async/socket_watch.h"

#include <uv.h>

namespace swage::async {

// Deleted when libuv has let go of it, so the function may destroy the SocketWatch.
struct SocketWatch::Handle {
  uv_poll_t poll{};
  std::function<void(Found)> ready;
};

void SocketWatch::CloseHandle::operator()(Handle* handle) const {
  uv_close(reinterpret_cast<uv_handle_t*>(&handle->poll),
           [](uv_handle_t* poll) { delete static_cast<Handle*>(poll->data); });
}

SocketWatch::SocketWatch(Loop& loop, int fd, std::function<void(Found)> ready)
    : handle_(new Handle{{}, std::move(ready)}) {
  handle_->poll.data = handle_.get();
  CHECK(uv_poll_init(loop.uv(), &handle_->poll, fd) == 0);
}

void SocketWatch::want(Readiness what) {
  const auto ready = [](uv_poll_t* poll, int status, int events) {
    static_cast<const Handle*>(poll->data)
        ->ready({{(events & UV_READABLE) != 0, (events & UV_WRITABLE) != 0}, status < 0});
  };
  const int events = (what.readable ? UV_READABLE : 0) | (what.writable ? UV_WRITABLE : 0);
  CHECK(uv_poll_start(&handle_->poll, events, ready) == 0);
}

}  // namespace swage::async
