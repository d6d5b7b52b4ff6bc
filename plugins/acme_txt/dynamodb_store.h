// The challenge store in a DynamoDB table of p2p-forge's (`store dynamodb`): every nameserver, swage's or p2p-forge's,
// asks the table when it is asked, and a broker writes into it. In the service process.
//
// DynamoDB tells nobody what has changed. So what it said is remembered for a moment alone (remembered.h), and a broker
// waits for that long after it has written a value: then no nameserver remembers anything older.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/async/tasks.h"
#include "core/dynamodb/credentials.h"
#include "core/dynamodb/values.h"
#include "core/forge/challenge_store.h"
#include "core/plugin/follow.h"
#include "core/plugin/plugin.h"
#include "plugins/acme_txt/acme_txt.h"
#include "plugins/acme_txt/remembered.h"

namespace swage::plugins::acme_txt {

struct DynamoDbSettings {
  dynamodb::Settings table{};  // what the Corefile leaves out is in the environment
  std::string credentials{};   // a file; empty: the environment
  std::int64_t lifetime = 0;   // of values, milliseconds
};

struct DynamoDbMeasures {
  metrics::Counter gets{}, puts{}, failures{};

  [[nodiscard]] static DynamoDbMeasures of(metrics::Registry& registry, const std::string& zone);
};

class DynamoDbStore : public Service, public forge::ChallengeBackend {
 public:
  // For how long a broker's put() waits after it has written.
  static constexpr std::chrono::milliseconds kWait = kRememberedFor + std::chrono::milliseconds(50);

  // `memory` and `fetch` outlive it.
  DynamoDbStore(std::string zone, DynamoDbSettings settings, DynamoDbMeasures measures, shm::Shared& memory,
                Fetch& fetch, shm::Clocks clocks);
  ~DynamoDbStore() override = default;

  [[nodiscard]] Result<> prepare() override;
  [[nodiscard]] async::Task<Result<>> run(Host& host) override;
  [[nodiscard]] bool ready() const override { return prepared_; }
  void measure() override;

  [[nodiscard]] bool accepts() const override { return values_.has_value(); }
  [[nodiscard]] async::Task<forge::OrChallengeError<>> put(forge::Challenge challenge, std::int64_t now) override;
  [[nodiscard]] async::Task<forge::OrChallengeError<std::chrono::microseconds>> admit(
      std::vector<forge::Allowance> allowances, std::int64_t now) override;

 private:
  [[nodiscard]] Result<> read_environment();
  [[nodiscard]] Result<dynamodb::Credentials> credentials() const;
  [[nodiscard]] Result<> make_table();
  [[nodiscard]] async::Task<> follow_credentials(Host& host);
  [[nodiscard]] async::Task<> fetch(std::string key);
  // Whether what is under `key` can be read from the table now.
  [[nodiscard]] async::Task<bool> get(std::string key);
  void complain(const Error& error);

  std::string zone_;  // for the log
  DynamoDbSettings settings_;
  DynamoDbMeasures measures_;
  shm::Shared& memory_;
  Fetch& fetch_;
  shm::Clocks clocks_;
  FollowedFiles files_;
  dynamodb::Credentials credentials_;
  bool prepared_ = false;
  shm::TableWriter* table_ = nullptr;  // the companion's of `memory_`

  async::Loop* loop_ = nullptr;  // from run() on, as what follows
  std::optional<dynamodb::Values> values_;
  dynamodb::Values::Counts counted_;
  std::int64_t complained_ = 0;  // when, by the loop's clock; 0: never
  std::uint64_t unsaid_ = 0;     // complaints since then
  async::Tasks fetching_;        // the last: they use the rest
};

// dynamodb TABLE { region REGION ; endpoint URL ; credentials FILE }. REQUIRES: the current token is "dynamodb".
[[nodiscard]] Result<DynamoDbSettings> read_dynamodb(Controller& controller);

// By which queries and the service of a server block find each other.
[[nodiscard]] Fetch& dynamodb_fetch(Controller& controller);

}  // namespace swage::plugins::acme_txt
