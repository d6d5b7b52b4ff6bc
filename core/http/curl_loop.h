// CurlLoop: libcurl's transfers on our loop. Internal to core/http.
#pragma once

#include <map>

#include "core/async/loop.h"
#include "core/async/socket_watch.h"
#include "core/http/curl_library.h"

namespace swage::http {

// What a transfer is told. By its easy handle's CURLOPT_PRIVATE.
class Transferred {
 public:
  virtual ~Transferred() = default;
  // Once. May not remove the handle; later, in another turn of the loop, that is right.
  virtual void finish(CURLcode code) = 0;
};

class CurlLoop {
 public:
  // `connections` to one server at a time; 0: any number.
  CurlLoop(async::Loop& loop, unsigned connections);
  // REQUIRES: every handle was removed.
  ~CurlLoop();
  CurlLoop(const CurlLoop&) = delete;
  CurlLoop& operator=(const CurlLoop&) = delete;

  void add(CURL* easy);
  void remove(CURL* easy);

 private:
  static int watch(CURL*, curl_socket_t fd, int what, void* self, void*);
  static int set_timer(CURLM*, long milliseconds, void* self);
  void act(curl_socket_t fd, int happened);

  async::Loop& loop_;
  CURLM* multi_;
  std::map<curl_socket_t, async::SocketWatch> watches_;
  async::Timer timer_;
};

}  // namespace swage::http
