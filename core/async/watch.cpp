// Timer, Poll, Signal and FolderWatch of loop.h.
#include <uv.h>

#include <algorithm>

#include "core/async/loop.h"

namespace swage::async {

// `uv.handle.data` points to this. Deleted when libuv has let go of it, so a callback may destroy its own owner.
struct detail::Handle {
  uv_any_handle uv;
  std::function<void()> callback;
};

namespace {

detail::HandleOwner make_handle(std::function<void()> callback) {
  detail::HandleOwner handle(new detail::Handle{{}, std::move(callback)});
  handle->uv.handle.data = handle.get();
  return handle;
}

template <typename Uv>
void call(Uv* uv) {
  static_cast<detail::Handle*>(uv->data)->callback();
}

}  // namespace

void detail::CloseHandle::operator()(Handle* handle) const {
  uv_close(&handle->uv.handle, [](uv_handle_t* uv) { delete static_cast<Handle*>(uv->data); });
}

Timer::Timer(Loop& loop, std::function<void()> passed) : handle_(make_handle(std::move(passed))) {
  CHECK(uv_timer_init(loop.uv(), &handle_->uv.timer) == 0);
}

void Timer::start(std::chrono::milliseconds time) {
  uv_timer_t& timer = handle_->uv.timer;
  uv_update_time(timer.loop);  // else the time would count from the beginning of this turn of the loop
  const auto milliseconds = static_cast<std::uint64_t>(std::max(time.count(), std::chrono::milliseconds::rep{0}));
  CHECK(uv_timer_start(&timer, call<uv_timer_t>, milliseconds, 0) == 0);
}

void Timer::stop() { uv_timer_stop(&handle_->uv.timer); }

Poll::Poll(Loop& loop, int fd, std::function<void()> readable) : handle_(make_handle(std::move(readable))) {
  CHECK(uv_poll_init(loop.uv(), &handle_->uv.poll, fd) == 0);
  start();
}

void Poll::start() {
  const auto readable = [](uv_poll_t* poll, int status, int) {
    // libuv stops at an error of the descriptor (an ICMP message, for one), which the callback meets when it reads.
    auto* handle = static_cast<detail::Handle*>(poll->data);
    if (status < 0) uv_poll_start(poll, UV_READABLE, poll->poll_cb);
    handle->callback();
  };
  CHECK(uv_poll_start(&handle_->uv.poll, UV_READABLE, readable) == 0);
}

void Poll::stop() { uv_poll_stop(&handle_->uv.poll); }

Signal::Signal(Loop& loop, int number, std::function<void()> received) : handle_(make_handle(std::move(received))) {
  CHECK(uv_signal_init(loop.uv(), &handle_->uv.signal) == 0);
  const auto call_back = [](uv_signal_t* signal, int) { call(signal); };
  CHECK(uv_signal_start(&handle_->uv.signal, call_back, number) == 0);
}

FolderWatch::FolderWatch(Loop& loop, std::string folder, std::function<void()> changed)
    : folder_(std::move(folder)), handle_(make_handle(std::move(changed))) {
  CHECK(uv_fs_event_init(loop.uv(), &handle_->uv.fs_event) == 0);
}

bool FolderWatch::start() {
  uv_fs_event_stop(&handle_->uv.fs_event);
  const auto call_back = [](uv_fs_event_t* event, const char*, int, int) { call(event); };
  return uv_fs_event_start(&handle_->uv.fs_event, call_back, folder_.c_str(), 0) == 0;
}

}  // namespace swage::async
