// What the sources of this folder that call OpenSSL have in common. Not for others.
#pragma once

#include <openssl/err.h>

namespace swage::crypto {

// For unique_ptr: std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>.
template <auto free>
struct Free {
  template <typename T>
  void operator()(T* owned) const {
    free(owned);
  }
};

// Takes back what OpenSSL puts on the thread's queue of errors: TLS reads its own there.
class ErrorMark {
 public:
  ErrorMark() { ERR_set_mark(); }
  ErrorMark(const ErrorMark&) = delete;
  ErrorMark& operator=(const ErrorMark&) = delete;
  ~ErrorMark() { ERR_pop_to_mark(); }
};

}  // namespace swage::crypto
