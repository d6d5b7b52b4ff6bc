// Values: a table of p2p-forge's in DynamoDB, which has one value for each peer. Over core/http/fetcher, on a loop.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/async/loop.h"
#include "core/async/task.h"
#include "core/dynamodb/credentials.h"
#include "core/http/fetcher.h"
#include "core/result.h"

namespace swage::dynamodb {

struct Settings {
  std::string table{}, region{};
  std::string endpoint{};                     // "http://127.0.0.1:8000"; empty: AWS's own for the region
  std::chrono::milliseconds get_time{1'000};  // for all of a get()
  std::chrono::milliseconds put_time{5'000};
};

struct Item {
  std::string value{};                    // of the TXT record
  std::optional<std::int64_t> expires{};  // seconds since 1970; DynamoDB removes it some time after that
};

// Peers are said in base58. An Error begins with the endpoint, and has no secret in it.
class Values {
 public:
  struct Counts {
    std::uint64_t gets = 0, puts = 0, failures = 0;  // with a second try where there was one
  };

  Values(async::Loop& loop, Settings settings, Credentials credentials);

  // For requests from now on.
  void use(Credentials credentials) { credentials_ = std::move(credentials); }
  [[nodiscard]] const std::string& endpoint() const { return settings_.endpoint; }
  [[nodiscard]] const Counts& counts() const { return counts_; }

  // By a consistent read: what a put() that is done has written, wherever, is found.
  [[nodiscard]] async::Task<Result<std::optional<Item>>> get(std::string peer);
  // Instead of what the peer had. After an Error it may be there all the same.
  [[nodiscard]] async::Task<Result<>> put(std::string peer, Item item);

 private:
  [[nodiscard]] async::Task<Result<std::string>> ask(std::string_view operation, std::string body,
                                                     std::chrono::milliseconds time);
  [[nodiscard]] http::Fetcher::Request request(std::string_view operation, const std::string& body) const;

  async::Loop& loop_;
  Settings settings_;
  Credentials credentials_;
  http::Fetcher fetcher_;
  Counts counts_;
};

}  // namespace swage::dynamodb
