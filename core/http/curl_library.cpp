#include "core/http/curl_library.h"

#include <dlfcn.h>

#include "core/result.h"

namespace swage::http {
namespace {

// Turns into a pointer to whatever function it is assigned to.
struct Symbol {
  void* address;

  template <typename Function>
  operator Function*() const {  // NOLINT: implicit
    return reinterpret_cast<Function*>(address);
  }
};

CurlLibrary load() {
  void* const library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);  // stays until the end
  if (library == nullptr) std::fprintf(stderr, "%s\n", dlerror());
  CHECK(library != nullptr);
  const auto find = [library](const char* name) {
    void* const address = dlsym(library, name);
    CHECK(address != nullptr);
    return Symbol{address};
  };
  return {.global_init = find("curl_global_init"),
          .global_cleanup = find("curl_global_cleanup"),
          .multi_init = find("curl_multi_init"),
          .multi_setopt = find("curl_multi_setopt"),
          .multi_add_handle = find("curl_multi_add_handle"),
          .multi_remove_handle = find("curl_multi_remove_handle"),
          .multi_socket_action = find("curl_multi_socket_action"),
          .multi_info_read = find("curl_multi_info_read"),
          .multi_cleanup = find("curl_multi_cleanup"),
          .easy_init = find("curl_easy_init"),
          .easy_setopt = find("curl_easy_setopt"),
          .easy_getinfo = find("curl_easy_getinfo"),
          .easy_header = find("curl_easy_header"),
          .easy_strerror = find("curl_easy_strerror"),
          .easy_pause = find("curl_easy_pause"),
          .easy_cleanup = find("curl_easy_cleanup"),
          .slist_append = find("curl_slist_append"),
          .slist_free_all = find("curl_slist_free_all")};
}

}  // namespace

const CurlLibrary& curl() {
  static const CurlLibrary library = load();
  return library;
}

}  // namespace swage::http
