#include "core/http/curl_loop.h"

namespace swage::http {

using async::SocketWatch;

CurlLoop::CurlLoop(async::Loop& loop, unsigned connections)
    : loop_(loop), timer_(loop, [this] { act(CURL_SOCKET_TIMEOUT, 0); }) {
  CHECK(curl().global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
  multi_ = curl().multi_init();
  CHECK(multi_ != nullptr);
  curl().multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl().multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlLoop::watch);
  curl().multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl().multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlLoop::set_timer);
  curl().multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS, static_cast<long>(connections));
}

CurlLoop::~CurlLoop() {
  curl().multi_cleanup(multi_);
  curl().global_cleanup();
}

void CurlLoop::add(CURL* easy) { CHECK(curl().multi_add_handle(multi_, easy) == CURLM_OK); }

void CurlLoop::remove(CURL* easy) { curl().multi_remove_handle(multi_, easy); }

int CurlLoop::watch(CURL*, curl_socket_t fd, int what, void* self, void*) {
  auto& loop = *static_cast<CurlLoop*>(self);
  if (what == CURL_POLL_REMOVE) {
    loop.watches_.erase(fd);
    return 0;
  }
  const auto ready = [&loop, fd](SocketWatch::Found found) {
    loop.act(fd, (found.failed ? CURL_CSELECT_ERR : 0) | (found.readable ? CURL_CSELECT_IN : 0) |
                     (found.writable ? CURL_CSELECT_OUT : 0));
  };
  loop.watches_.try_emplace(fd, loop.loop_, fd, ready)
      .first->second.want({(what & CURL_POLL_IN) != 0, (what & CURL_POLL_OUT) != 0});
  return 0;
}

int CurlLoop::set_timer(CURLM*, long milliseconds, void* self) {
  async::Timer& timer = static_cast<CurlLoop*>(self)->timer_;
  if (milliseconds < 0) {
    timer.stop();
  } else {
    timer.start(std::chrono::milliseconds(milliseconds));
  }
  return 0;
}

// Has curl go on after something happened, and finishes the transfers that are over then.
void CurlLoop::act(curl_socket_t fd, int happened) {
  int running = 0, left = 0;
  curl().multi_socket_action(multi_, fd, happened, &running);  // may end the watch that called this
  while (const CURLMsg* const message = curl().multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    void* transfer = nullptr;
    curl().easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    static_cast<Transferred*>(transfer)->finish(message->data.result);
  }
}

}  // namespace swage::http
