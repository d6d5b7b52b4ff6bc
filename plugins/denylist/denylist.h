// The denylist plugin: lists of addresses that are not to be served, from files and feeds. DenylistService, in the
// service process, keeps them fresh and publishes them as one image (core/denylist); ipsubdomain and broker ask it.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/async/event.h"
#include "core/denylist/image.h"
#include "core/http/fetcher.h"
#include "core/metrics/registry.h"
#include "core/plugin/follow.h"
#include "core/plugin/plugin.h"
#include "core/shm/shared.h"
#include "core/shm/snapshot.h"
#include "plugins/denylist/kept_list.h"
#include "plugins/denylist/list_text.h"

namespace swage::plugins::denylist {

using ListType = swage::denylist::Type;

// A line of the directive.
struct ListSettings {
  enum class Format : std::uint8_t { ip, url };

  bool feed = false;
  std::string place;  // the path of a file, or the URL of a feed
  std::string name;
  ListType type = ListType::deny;
  Format format = Format::ip;
  std::chrono::milliseconds refresh = std::chrono::hours(1);  // of a feed
  config::Token token;                                        // where it is written, for errors
};

// A list while the server runs.
struct List {
  ListSettings settings;
  shm::ServiceMemory* memory;  // where it outlives the service process
  metrics::Gauge entries, last_update;
  std::shared_ptr<const KeptList> current = std::make_shared<const KeptList>();
  FollowedFiles file;  // where it is one
};

class DenylistService : public Service {
 public:
  // `forge_zones`: whose names say addresses, in feeds of URLs. `snapshot` is what is published.
  DenylistService(std::vector<List> lists, std::vector<std::string> forge_zones, shm::Snapshot& snapshot,
                  http::Fetcher::Settings fetching);

  // Reads the files, and takes what was kept of the feeds.
  [[nodiscard]] Result<> prepare() override;
  [[nodiscard]] async::Task<Result<>> run(Host& host) override;

 private:
  // What a file or a feed said.
  struct Read {
    ListText text;  // without its entries, which are in `kept`
    KeptList kept;
    shm::Segment memory;
  };

  [[nodiscard]] Result<Read> read(const List& list, std::string_view text, KeptList kept) const;  // on any thread
  [[nodiscard]] Result<Read> read_file(const List& list) const;                                   // on any thread
  [[nodiscard]] Result<> update(List& list, Result<Read> read);
  void show(const List& list) const;
  [[nodiscard]] Result<> publish_now();
  [[nodiscard]] async::Task<> follow_file(Host& host, List& list);
  [[nodiscard]] async::Task<> follow_feed(async::Loop& loop, http::Fetcher& fetcher, List& list);
  [[nodiscard]] async::Task<Result<>> refresh(async::Loop& loop, http::Fetcher& fetcher, List& list);
  [[nodiscard]] async::Task<> publish_changes(async::Loop& loop);

  std::vector<List> lists_;
  const std::vector<std::string> forge_zones_;
  shm::Snapshot& snapshot_;
  const http::Fetcher::Settings fetching_;
  const std::uint64_t seed_;
  bool published_ = false;
  std::optional<async::Event> changed_;  // while it runs: a list is another one
};

// denylist { file PATH [type=allow|deny] [name=NAME] ; feed URL format=ip|url [type=…] [refresh=DURATION] [name=NAME] }
[[nodiscard]] Result<> setup(Controller& controller);
// The same, with how feeds are fetched.
[[nodiscard]] Result<> setup_with(Controller& controller, http::Fetcher::Settings fetching);

}  // namespace swage::plugins::denylist
