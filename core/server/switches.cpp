#include "core/server/switches.h"

#include <array>
#include <chrono>
#include <cstring>
#include <string>

#include "core/dns/name.h"
#include "core/log.h"
#include "core/plugin/log_line.h"

namespace swage::server {
namespace {

// As it lies in memory, which the server's own service process has written.
struct Page {
  std::int64_t until = 0;
  Prefix clients{};
  std::uint8_t level = 0;  // 1 more than it is; 0: none
  bool logs = false, has_clients = false;
  std::array<char, 1024> zone{};  // presentation format, up to a 0
};

constexpr std::int64_t kEverySecond = 1'000'000'000;
constexpr std::uint32_t kMostLines = 1000;  // a second, of this process
constexpr std::size_t kUsualLine = 512;

class QueryLog : public Observer {
 public:
  QueryLog(std::optional<Prefix> clients, dns::Name zone, std::int64_t until)
      : clients_(clients), zone_(zone), until_(until) {
    line_.reserve(kUsualLine);
  }

  void sent(const Query& query, const Response& response, Bytes message) const override {
    if (query.received >= until_) return;
    if (clients_ && !clients_->contains(query.client.address)) return;
    if (!query.key.view().is_under(zone_)) return;
    if (query.received - began_ >= kEverySecond) {
      began_ = query.received;
      lines_ = 0;
    }
    if (++lines_ > kMostLines) return;
    const std::chrono::nanoseconds took =
        std::chrono::steady_clock::now().time_since_epoch() - std::chrono::nanoseconds(query.received);
    line_ = "[INFO] query-log: ";
    format_.append_to(line_, {query, response, log_line::kind_of(query, response), message.size(), took});
    log::write(line_);
  }

 private:
  std::optional<Prefix> clients_;
  dns::Name zone_;
  std::int64_t until_;
  log_line::Format format_{"{common}"};
  mutable std::string line_;  // one thread a process; keeps its room
  mutable std::int64_t began_ = 0;
  mutable std::uint32_t lines_ = 0;
};

}  // namespace

Switches Switches::read(Bytes memory) {
  Switches switches;
  Page page;
  if (memory.size() < sizeof page) return switches;
  std::memcpy(&page, memory.data(), sizeof page);
  if (page.level > 0 && page.level <= log::kLevels.size()) switches.level = static_cast<log::Level>(page.level - 1);
  if (!page.logs) return switches;
  switches.until = page.until;
  switches.queries.emplace();
  if (page.has_clients) switches.queries->clients = page.clients;
  switches.queries->zone.assign(page.zone.data(), strnlen(page.zone.data(), page.zone.size()));
  return switches;
}

Result<> Switches::publish(shm::Snapshot& snapshot) const {
  TRY(shm::Segment memory, shm::Segment::create("swage server switches", sizeof(Page)));
  Page page;
  if (level) page.level = static_cast<std::uint8_t>(*level) + 1;
  if (queries) {
    if (queries->zone.size() >= page.zone.size()) return fail("the zone is too long");
    page.logs = true;
    page.until = until;
    page.has_clients = queries->clients.has_value();
    if (queries->clients) page.clients = *queries->clients;
    std::ranges::copy(queries->zone, page.zone.begin());
  }
  std::memcpy(memory.writable_bytes().data(), &page, sizeof page);
  return snapshot.publish(std::move(memory));
}

std::unique_ptr<const Observer> make_query_log(const Switches& switches) {
  if (!switches.queries) return nullptr;
  dns::Name zone;  // the root
  if (!switches.queries->zone.empty()) {
    const Result<dns::Name> parsed = dns::Name::parse(switches.queries->zone);
    if (!parsed) return nullptr;
    zone = parsed->lowercased();
  }
  return std::make_unique<const QueryLog>(switches.queries->clients, zone, switches.until);
}

}  // namespace swage::server
