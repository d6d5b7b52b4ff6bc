// loadbalance: the order of records in answers, so that clients that take the first one spread over all. LoadBalance
// orders in the dns processes; WeightService reads the weight file in the service process and publishes it.
#pragma once

#include <chrono>
#include <vector>

#include "core/plugin/follow.h"
#include "core/plugin/plugin.h"
#include "core/shm/snapshot.h"

namespace swage::plugins::loadbalance {

struct Settings {
  const shm::Snapshot* weights = nullptr;  // nullptr: round robin
  std::vector<Prefix> prefer;              // addresses in the first of these come first
};

class LoadBalance : public Plugin {
 public:
  explicit LoadBalance(Settings settings);
  [[nodiscard]] Result<Outcome> serve(const Query& query, Response& response, Next next) const override;

 private:
  // A record in its place before a section is put in order.
  struct Ranked {
    std::uint32_t rank, place;
    dns::Record record;
  };
  using Records = std::span<dns::Record>;

  void order(Records records) const;
  void shuffle(Records records) const;
  void put_top(Records addresses) const;
  template <typename Rank>
  void sort(Records records, Rank rank) const;
  [[nodiscard]] std::uint32_t random_below(std::uint32_t limit) const;

  Settings settings_;
  // One thread a process.
  mutable std::uint64_t random_ = 0;
  mutable std::vector<Ranked> ranked_;
};

struct WeightFile {
  std::string path;
  std::chrono::milliseconds reload;  // how often to look at the file; 0: never
  shm::Snapshot* snapshot;
  config::Token directive;  // where the Corefile names it, for errors
};

class WeightService : public Service {
 public:
  explicit WeightService(WeightFile file)
      : file_(std::move(file)), followed_("loadbalance", {file_.path}, {.every = file_.reload}) {}
  [[nodiscard]] Result<> prepare() override;
  [[nodiscard]] async::Task<Result<>> run(Host& host) override;

 private:
  [[nodiscard]] Result<shm::Segment> load() const;

  WeightFile file_;
  FollowedFiles followed_;
};

[[nodiscard]] Result<> setup(Controller& controller);

}  // namespace swage::plugins::loadbalance
