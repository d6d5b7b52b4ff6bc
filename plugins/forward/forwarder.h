// Forwarder: asks the upstreams of one `forward` what dns processes want, and puts the answers where these read. In the
// fetch process. Which upstream is asked, which are down, and what is counted is as in CoreDNS.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/async/tasks.h"
#include "core/crypto/random.h"
#include "core/plugin/fetched_answers.h"
#include "core/plugin/plugin.h"
#include "core/plugin/report.h"
#include "core/upstream/nameserver.h"
#include "plugins/forward/settings.h"

namespace swage::plugins::forward {

class Forwarder : public Fetcher, public Remembering {
 public:
  static constexpr std::chrono::milliseconds kTime{5000};  // for a question, in all

  // All of them outlive it.
  Forwarder(Settings settings, shm::Shared& memory, AnswerRoom room, Fetch& fetch, metrics::Registry& metrics);

  [[nodiscard]] Result<> check() override;
  [[nodiscard]] Result<> prepare() override;
  [[nodiscard]] Result<> look_up() override;
  [[nodiscard]] async::Task<Result<>> run(Host& host) override;

  std::size_t forget(dns::NameView zone) override { return store_.forget(zone); }

  [[nodiscard]] const std::vector<upstream::Way>& ways() const { return ways_; }

 private:
  using Message = std::vector<std::uint8_t>;
  struct Told {
    Endpoint by{};
    Message message{};
  };

  struct Upstream {
    Upstream(async::Loop& loop, const upstream::Way& way, crypto::Random& random) : server(loop, way, random) {}

    upstream::Nameserver server;
    unsigned fails = 0;                                     // checks of its health, one after the other
    bool checked = false;                                   // until it is well
    std::uint64_t hits = 0, misses = 0;                     // that were counted
    std::map<std::string, metrics::Histogram> durations{};  // by rcode
  };
  // What asking needs, on the loop.
  struct Asking {
    Asking(async::Loop& on, const std::vector<upstream::Way>& ways);
    [[nodiscard]] std::size_t pick(std::size_t count);  // at random, from 0

    async::Loop& loop;
    crypto::SystemRandom random{};
    std::vector<std::unique_ptr<Upstream>> upstreams{};
    std::size_t next = 0;  // of round_robin
    async::Tasks tasks{};  // ends first
  };

  // What a TO leads to; no addresses: those of a host, which is to be looked up.
  struct Lead {
    const To* to = nullptr;
    std::vector<Endpoint> endpoints{};
    upstream::Way way{};  // without its end
  };

  [[nodiscard]] Result<Lead> lead_of(const To& to) const;
  [[nodiscard]] Result<> look_up(Lead& lead) const;
  [[nodiscard]] Result<> make_ways();
  [[nodiscard]] Result<upstream::Way> way_to(const Lead& lead, const Endpoint& endpoint) const;
  [[nodiscard]] std::size_t most_at_once() const;
  [[nodiscard]] async::Task<> take(std::string key);
  [[nodiscard]] Result<> answer(const std::string& key, const Told& told);
  void refuse(const std::string& key);
  [[nodiscard]] async::Task<Result<Told>> ask(upstream::Question question, std::int64_t end);
  [[nodiscard]] async::Task<Result<Message>> ask(Upstream& upstream, upstream::Question question, std::int64_t end);
  [[nodiscard]] std::vector<Upstream*> in_order();
  [[nodiscard]] bool is_down(const Upstream& upstream) const;
  void check(Upstream& upstream);
  [[nodiscard]] async::Task<> check_until_well(Upstream& upstream);
  void count(Upstream& upstream, Bytes message, std::int64_t nanoseconds);

  const Settings settings_;
  AnswerStore store_;
  metrics::Registry& metrics_;
  metrics::Counter broken_, rejects_;
  std::vector<Lead> leads_;
  std::vector<upstream::Way> ways_;
  Response response_;
  std::optional<Asking> asking_;
};

}  // namespace swage::plugins::forward
