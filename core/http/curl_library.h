// libcurl's functions, out of the library that is loaded when they are first asked for. It brings 25 other libraries
// along, which would double what it costs to start a process, and every process of the server is this program: the
// first answer came 20 ms later, with 7 MB more. Most servers fetch nothing. Internal to core/http.
#pragma once

#include <curl/curl.h>

namespace swage::http {

// Named and typed as in libcurl, without "curl_".
struct CurlLibrary {
  decltype(&::curl_global_init) global_init;
  decltype(&::curl_global_cleanup) global_cleanup;
  decltype(&::curl_multi_init) multi_init;
  decltype(&::curl_multi_setopt) multi_setopt;
  decltype(&::curl_multi_add_handle) multi_add_handle;
  decltype(&::curl_multi_remove_handle) multi_remove_handle;
  decltype(&::curl_multi_socket_action) multi_socket_action;
  decltype(&::curl_multi_info_read) multi_info_read;
  decltype(&::curl_multi_cleanup) multi_cleanup;
  decltype(&::curl_easy_init) easy_init;
  decltype(&::curl_easy_setopt) easy_setopt;
  decltype(&::curl_easy_getinfo) easy_getinfo;
  decltype(&::curl_easy_header) easy_header;
  decltype(&::curl_easy_strerror) easy_strerror;
  decltype(&::curl_easy_pause) easy_pause;
  decltype(&::curl_easy_cleanup) easy_cleanup;
  decltype(&::curl_slist_append) slist_append;
  decltype(&::curl_slist_free_all) slist_free_all;
};

// Ends the process where the library is not installed; Debian's package libcurl4 is a dependency like the others.
[[nodiscard]] const CurlLibrary& curl();

}  // namespace swage::http
