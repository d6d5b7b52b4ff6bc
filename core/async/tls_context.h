// The inside of TlsContext. Internal to core/async.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <vector>

#include "core/async/tls.h"

namespace swage::async {

namespace detail {
template <auto function>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    function(object);
  }
};

// What a side wants of ALPN.
struct Alpn {
  std::vector<std::string> protocols;  // in order of preference
  bool must_match = false;             // a server refuses a client that offers others only; else it goes on without
};
}  // namespace detail

struct TlsContext::State {
  detail::Alpn alpn;  // known to `context`
  std::unique_ptr<SSL_CTX, detail::Free<SSL_CTX_free>> context;
  bool verifies_name = false;
  std::function<Bytes()> tickets;  // known to `context`
};

// The first of OpenSSL's errors in words, and no more of them. No key is ever among them.
[[nodiscard]] std::string take_openssl_error();

}  // namespace swage::async
