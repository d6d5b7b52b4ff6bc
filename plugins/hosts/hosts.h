// The hosts plugin: addresses and names from a file like /etc/hosts, and from the Corefile. Hosts answers in the
// dns processes; HostsService reads the file in the service process and publishes its entries.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "core/plugin/follow.h"
#include "core/plugin/plugin.h"
#include "plugins/hosts/hosts_image.h"

namespace swage::plugins::hosts {

struct Settings {
  std::string path = "/etc/hosts";
  bool path_given = false;
  config::Token directive;
  std::vector<dns::Name> zones;
  std::uint32_t ttl = 3600;                                    // seconds
  bool reverse = true;                                         // answer PTR queries
  std::chrono::milliseconds reload = std::chrono::seconds(5);  // 0: never
  std::vector<dns::Name> fallthrough;                          // empty: none
  bool fallthrough_unsupported = false;
  std::vector<std::uint64_t> inline_image;  // an image (hosts_image.h) of the Corefile's entries
  shm::Snapshot* snapshot = nullptr;        // of the file's; nothing published: there was no file yet
};

class Hosts : public Plugin {
 public:
  explicit Hosts(Settings settings) : settings_(std::move(settings)) {}
  [[nodiscard]] Result<Outcome> serve(const Query& query, Response& response, Next next) const override;

 private:
  [[nodiscard]] HostsImage from_file() const { return HostsImage(settings_.snapshot->bytes()); }
  [[nodiscard]] HostsImage from_corefile() const;
  void add_addresses(const Query& query, Response& response) const;
  // False where the address of qname has no name.
  [[nodiscard]] bool add_names(const Query& query, Response& response) const;
  [[nodiscard]] bool exists(const Query& query) const;
  [[nodiscard]] std::span<const dns::Type> types_of(const Query& query) const;

  const Settings settings_;
};

class HostsService : public Service {
 public:
  HostsService(std::string path, bool path_given, config::Token directive, std::chrono::milliseconds reload,
               shm::Snapshot& snapshot)
      : path_(std::move(path)),
        path_given_(path_given),
        directive_(std::move(directive)),
        snapshot_(snapshot),
        file_("hosts", {path_}, {.every = reload}) {}
  [[nodiscard]] Result<> prepare() override;
  [[nodiscard]] async::Task<Result<>> run(Host& host) override;

 private:
  struct Loaded;
  [[nodiscard]] Result<Loaded> load() const;
  [[nodiscard]] Result<> publish(Loaded loaded);

  std::string path_;
  bool path_given_;
  config::Token directive_;
  shm::Snapshot& snapshot_;
  FollowedFiles file_;
};

[[nodiscard]] Result<> setup(Controller& controller);

}  // namespace swage::plugins::hosts
