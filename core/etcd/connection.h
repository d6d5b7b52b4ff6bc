// What a Client has: its endpoints, one of which is the current one, a token, and requests to one endpoint at a time.
// Internal to core/etcd.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "core/async/event.h"
#include "core/etcd/client.h"
#include "core/http/fetcher.h"

namespace swage::etcd {

struct Client::State {
  using Time = std::chrono::milliseconds;

  State(async::Loop& loop, Settings settings);

  // The reply to a request that succeeded, at whatever endpoint.
  [[nodiscard]] async::Task<Expected<std::string>> ask(std::string_view path, std::string body);
  // As ask(), at this endpoint alone.
  [[nodiscard]] async::Task<Expected<std::string>> ask_at(std::size_t endpoint, std::string_view path, std::string body,
                                                          Time time);
  // Sees to a token, if one is needed; another one than number `old`.
  [[nodiscard]] async::Task<Expected<>> authenticate(std::size_t endpoint, std::size_t old, Time time);
  [[nodiscard]] async::Task<Expected<>> fetch_token(std::size_t endpoint, Time time);

  [[nodiscard]] http::Fetcher::Request request(std::size_t endpoint, std::string_view path, std::string body) const;
  // The next request begins elsewhere, unless another one has seen to that.
  void leave(std::size_t endpoint) {
    if (current == endpoint) current = (current + 1) % settings.endpoints.size();
  }
  [[nodiscard]] Failure at(std::size_t endpoint, Failure failure) const {
    failure.text = settings.endpoints[endpoint] + ": " + failure.text;
    return failure;
  }

  // What a reply says; that it makes no sense, with the endpoint that answered last.
  template <typename T>
  [[nodiscard]] Expected<T> said(Expected<T> read) const {
    if (!read) return std::unexpected(at(current, std::move(read).error()));
    return read;
  }

  async::Loop& loop;
  Settings settings;
  http::Fetcher fetcher;
  std::size_t current = 0;  // index of the endpoint that is asked first
  Counts counts;

  std::string token;
  std::size_t tokens = 0;                                                             // number of this one; 0: none yet
  bool authenticating = false;                                                        // somebody does
  async::Event authenticated;                                                         // or has tried
  Failure no_token{.kind = Failure::Kind::unavailable, .text = "there is no token"};  // why the last try failed
};

}  // namespace swage::etcd
