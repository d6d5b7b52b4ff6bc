// fleet_load: nodes that register with the brokers of a fleet; right after each 200 every nameserver is asked for the
// value, over UDP and TCP. Prints one object of JSON; exits with 1 where a nameserver answered without a value. Asked
// only to verify, it reads from standard input which registrations were acknowledged.
#include <chrono>
#include <cstdio>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "core/async/event.h"
#include "core/async/tasks.h"
#include "tests/fleet/load/checker.h"
#include "tests/fleet/load/options.h"
#include "tests/support/broker/nodes.h"
#include "tests/support/broker/registrar.h"

namespace swage::fleet {
namespace {

using namespace swage::tests;
using namespace std::chrono_literals;

class Load {
 public:
  explicit Load(const Options& options)
      : options_(options), nodes_(loop_, options.nodes), checker_(loop_, tally_, options.nameservers) {}

  // All registrations, and then the answers that are still under way.
  void run() {
    begun_ = loop_.now();
    working_ = options_.at_once;
    for (std::size_t i = 0; i < options_.at_once; ++i) loop_.spawn(register_some(*this, i));
    loop_.run();
  }

  void verify() {
    loop_.spawn(verify_all(*this));
    loop_.run();
  }

  [[nodiscard]] nlohmann::json result() {
    nlohmann::json all = tally_.to_json();
    all["seconds"] = static_cast<double>(ended_ - begun_) * 1e-9;
    all["acknowledged"] = acknowledged_;
    return all;
  }
  [[nodiscard]] bool good() const { return tally_.good(); }

 private:
  [[nodiscard]] bool over() const {
    return next_ == options_.count || static_cast<double>(loop_.now() - begun_) * 1e-9 > options_.seconds;
  }

  // One of those who register at the same time. Where a broker does not say 200, the next one is asked.
  static async::Task<> register_some(Load& load, std::size_t which) {
    while (!load.over()) {
      const std::uint32_t number = load.options_.first + load.next_++;
      for (std::size_t tries = 0; tries < load.options_.tries; ++tries) {
        const Endpoint broker = load.options_.brokers[(number + which + tries) % load.options_.brokers.size()];
        const bool done = co_await register_one(load, number, broker);
        if (done || load.over()) break;
      }
    }
    if (--load.working_ > 0) co_return;
    load.ended_ = load.loop_.now();
    co_await finish(load);
  }

  // A connection of its own: as it is with nodes.
  static async::Task<bool> register_one(Load& load, std::uint32_t number, Endpoint broker) {
    Registrar registrar(load.loop_, broker, load.options_.host);
    const libp2p::PrivateKey key = Nodes::key(number);
    const std::vector<std::string> addresses = {load.nodes_.address(number)};
    std::string body = registration_body(challenge_value(number), addresses);
    const std::int64_t begun = load.loop_.now();
    auto registering = registrar.registers(key, std::move(body));
    const auto response = co_await async::within(load.loop_, kPatience, std::move(registering));
    const unsigned status = response ? response->status : 0;
    load.tally_.registered(status, static_cast<double>(load.loop_.now() - begun) * 1e-6);
    if (status == 503 && !response->fields.find("Retry-After")) load.tally_.retry_after_missing();
    if (status != 200) {
      co_await async::sleep(load.loop_, 20ms);
      co_return false;
    }
    load.acknowledged_.push_back(number);
    if (load.options_.check) load.checker_.ask(challenge(number, load.options_.zone));
    co_return true;
  }

  static async::Task<> verify_all(Load& load) {
    constexpr std::size_t kAtOnce = 200;
    load.begun_ = load.loop_.now();
    for (std::uint32_t number = 0; std::cin >> number;) {
      load.acknowledged_.push_back(number);
      load.checker_.ask(challenge(number, load.options_.zone));
      for (int i = 0; i < 2000 && load.checker_.pending() > kAtOnce; ++i) co_await async::sleep(load.loop_, 1ms);
    }
    load.ended_ = load.loop_.now();
    co_await finish(load);
  }

  static async::Task<> finish(Load& load) {
    for (int i = 0; i < 200 && load.checker_.pending() > 0; ++i) co_await async::sleep(load.loop_, 10ms);
    load.checker_.end();
    load.loop_.stop();
  }

  static constexpr std::chrono::milliseconds kPatience = 30s;  // twice what a broker may take

  Options options_;
  async::Loop loop_;
  Nodes nodes_;
  Tally tally_;
  Checker checker_;
  std::vector<std::uint32_t> acknowledged_;
  std::uint32_t next_ = 0;
  std::size_t working_ = 0;
  std::int64_t begun_ = 0, ended_ = 0;
};

}  // namespace
}  // namespace swage::fleet

int main(int argc, char** argv) {
  const auto options = swage::fleet::read_options(argc, argv);
  if (!options) {
    std::fprintf(stderr, "fleet_load: %s\n", options.error().text().c_str());
    return 2;
  }
  swage::fleet::Load load(*options);
  options->verify ? load.verify() : load.run();
  std::printf("%s\n", load.result().dump().c_str());
  return load.good() ? 0 : 1;
}
