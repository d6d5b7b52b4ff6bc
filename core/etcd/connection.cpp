#include "core/etcd/connection.h"

#include <algorithm>
#include <utility>

#include "core/etcd/gateway.h"

namespace swage::etcd {
namespace {

using async::Task;
using Kind = Failure::Kind;
using Time = std::chrono::milliseconds;

constexpr unsigned kConnections = 64;  // to an endpoint: requests at a time, watches among them
constexpr Time kFirstPause{50}, kLongestPause{400};

http::Fetcher::Settings fetching(const Settings& settings) {
  return {.timeout = settings.each,
          .redirects = 0,
          .authorities = settings.authorities,
          .certificate = settings.certificate,
          .key = settings.key,
          .reuse = true,
          .connections = kConnections};
}

// Whether another endpoint, or the same one a little later, may know better.
bool is_passing(const Failure& failure) {
  return failure.kind == Kind::unreachable || failure.kind == Kind::unavailable;
}

// What is set in a coroutine that may be destroyed at any time.
class Flag {
 public:
  Flag(bool& flag, async::Event& over) : flag_(flag), over_(over) {
    flag_ = true;
    over_.reset();
  }
  ~Flag() {
    flag_ = false;
    over_.set();
  }
  Flag(const Flag&) = delete;
  Flag& operator=(const Flag&) = delete;

 private:
  bool& flag_;
  async::Event& over_;
};

}  // namespace

Client::State::State(async::Loop& on, Settings given)
    : loop(on), settings(std::move(given)), fetcher(on, fetching(settings)), authenticated(on) {
  CHECK(!settings.endpoints.empty());
  for (std::string& each : settings.endpoints) {
    while (each.ends_with('/')) each.pop_back();
  }
}

http::Fetcher::Request Client::State::request(std::size_t endpoint, std::string_view path, std::string body) const {
  http::Fetcher::Request request;
  request.url = settings.endpoints[endpoint] + std::string(path);
  request.fields = {"Content-Type: application/json"};
  if (!token.empty()) request.fields.push_back("Authorization: " + token);
  request.body = std::move(body);
  return request;
}

Task<Expected<std::string>> Client::State::ask(std::string_view path, std::string body) {
  const std::int64_t until = loop.now() + std::chrono::nanoseconds(settings.patience).count();
  Time pause = kFirstPause;
  for (std::size_t tries = 1;; ++tries) {
    const std::size_t endpoint = current;
    const Time left((until - loop.now()) / 1'000'000);
    Expected<std::string> reply = co_await ask_at(endpoint, path, body, std::clamp(left, Time(1), settings.each));
    if (reply || !is_passing(reply.error())) co_return reply;
    leave(endpoint);
    const bool all_were_asked = tries % settings.endpoints.size() == 0;
    const Time wait = all_were_asked ? pause : Time(0);
    if (loop.now() + std::chrono::nanoseconds(wait).count() >= until) co_return reply;
    if (!all_were_asked) continue;
    co_await async::sleep(loop, wait);
    pause = std::min(2 * pause, kLongestPause);
  }
}

Task<Expected<std::string>> Client::State::ask_at(std::size_t endpoint, std::string_view path, std::string body,
                                                  Time time) {
  for (bool again = false;; again = true) {
    if (token.empty()) CO_TRY(co_await authenticate(endpoint, 0, time));
    const std::size_t with = tokens;
    http::Fetcher::Request asked = request(endpoint, path, body);
    asked.timeout = time;
    ++counts.requests;
    Result<http::Fetcher::Fetched> reply = co_await fetcher.send(std::move(asked));
    if (reply && reply->status == 200) co_return std::move(reply->body);
    ++counts.failures;
    Failure failure = reply ? gateway::failure_in(reply->status, reply->body)
                            : Failure{.kind = Kind::unreachable, .text = reply.error().text()};
    if (failure.kind != Kind::denied || with == 0 || again) co_return std::unexpected(at(endpoint, std::move(failure)));
    CO_TRY(co_await authenticate(endpoint, with, time));
  }
}

Task<Expected<>> Client::State::authenticate(std::size_t endpoint, std::size_t old, Time time) {
  if (settings.user.empty()) co_return Expected<>();
  if (authenticating) {
    co_await authenticated.wait();
    if (tokens == old) co_return std::unexpected(no_token);
  }
  if (tokens != old) co_return Expected<>();
  const Flag flag(authenticating, authenticated);
  Expected<> fetched = co_await fetch_token(endpoint, time);
  if (!fetched) no_token = fetched.error();
  co_return fetched;
}

Task<Expected<>> Client::State::fetch_token(std::size_t endpoint, Time time) {
  http::Fetcher::Request asked =
      request(endpoint, gateway::kAuthenticate, gateway::authenticate_text(settings.user, settings.password));
  asked.fields.resize(1);  // without the old token
  asked.timeout = time;
  ++counts.requests;
  Result<http::Fetcher::Fetched> reply = co_await fetcher.send(std::move(asked));
  Failure failure{.kind = Kind::unreachable};
  if (reply && reply->status == 200) {
    Expected<std::string> received = gateway::token_in(reply->body);
    if (received) {
      token = *std::move(received);
      ++tokens;
      co_return Expected<>();
    }
    failure = std::move(received).error();
  } else {
    failure = reply ? gateway::failure_in(reply->status, reply->body)
                    : Failure{.kind = Kind::unreachable, .text = reply.error().text()};
  }
  ++counts.failures;
  co_return std::unexpected(at(endpoint, std::move(failure)));
}

}  // namespace swage::etcd
