// A DynamoDB for tests, which checks signatures: moto, as tests/interop/prepare makes it, with an empty table of
// p2p-forge's. For Catch tests only: what goes wrong fails the test that runs.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/support/loopback.h"
#include "tests/support/process.h"

namespace swage::tests {

class DynamoDb {
 public:
  static constexpr const char* kRegion = "us-east-1";
  struct Key {
    std::string id, secret, token;
  };

  // Whether tests/interop/prepare has made it; that the test is skipped has been said, or, in CI, it has failed.
  [[nodiscard]] static bool available();

  explicit DynamoDb(std::string table = "challenges");
  DynamoDb(const DynamoDb&) = delete;
  DynamoDb& operator=(const DynamoDb&) = delete;

  [[nodiscard]] const std::string& table() const { return table_; }
  [[nodiscard]] std::string endpoint() const;
  [[nodiscard]] const Key& key() const { return key_; }                  // a user's
  [[nodiscard]] const Key& temporary_key() const { return temporary_; }  // with a token
  // What a server is told by: credentials, region and endpoint.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> environment() const;

  void pause() const { process_.signal(SIGSTOP); }
  void resume() const { process_.signal(SIGCONT); }
  [[nodiscard]] std::size_t requests() const;  // that it has answered
  [[nodiscard]] std::string log() const { return process_.log(); }

 private:
  std::string table_;
  Port port_;
  Process process_;
  Key key_, temporary_;
};

}  // namespace swage::tests
