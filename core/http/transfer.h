// Transfer: one request on its way, as libcurl's easy handle. What comes goes to its Receiver. Internal to core/http.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "core/http/curl_loop.h"
#include "core/http/fetcher.h"

namespace swage::http {

class Receiver : public Transferred {
 public:
  static constexpr std::size_t kPause = CURL_WRITEFUNC_PAUSE;
  // A piece of the body. Gives its size; kPause: not now, the same again after Transfer::go_on(); anything else ends
  // the transfer.
  virtual std::size_t take(std::string_view piece) = 0;
};

class Transfer {
 public:
  enum class Length { whole, endless };  // endless: the request's time is that for the connection alone

  // Begins. REQUIRES: all of them outlive it; `loop` is the fetcher's.
  Transfer(CurlLoop& loop, const Fetcher::Settings& settings, const Fetcher::Request& request, Length length,
           Receiver& receiver);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  void go_on();  // after kPause; may call take()
  // What went wrong. Of TLS in OpenSSL's words: which certificate, and why.
  [[nodiscard]] std::string problem(CURLcode code) const;
  [[nodiscard]] unsigned status() const;
  [[nodiscard]] bool on_older_connection() const;
  [[nodiscard]] std::string field(const char* name) const;  // the response's; empty where it has none

 private:
  static std::size_t take(char* data, std::size_t, std::size_t size, void* receiver);
  void identify(const Fetcher::Settings& settings);
  void limit(const Fetcher::Settings& settings, const Fetcher::Request& request, Length length);
  void connect(const Fetcher::Settings& settings, const Fetcher::Request& request);
  void ask(const Fetcher::Request& request);
  void set_text(CURLoption option, const std::string& text);
  void sign(const Fetcher::AwsSignature& signature);
  void add_field(const std::string& field);
  template <typename Value>
  void set(CURLoption option, Value value) {
    curl().easy_setopt(easy_, option, value);
  }

  CurlLoop& loop_;
  CURL* easy_;
  std::array<char, CURL_ERROR_SIZE> problem_{};
  bool secure_ = false;  // over TLS
  curl_slist* fields_ = nullptr;
  curl_slist* connect_to_ = nullptr;
};

}  // namespace swage::http
