#include "plugins/acme_txt/fleet_service.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/async/tasks.h"
#include "core/async/tls.h"
#include "core/crypto/hash.h"
#include "core/log.h"
#include "core/net.h"
#include "core/whole_file.h"

namespace swage::plugins::acme_txt {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t kMaxPassword = 1024, kMaxPem = 1 << 20;  // bytes
constexpr auto kRetry = 5s;                                    // after a prepare() that failed
constexpr auto kLook = 100ms;
constexpr std::int64_t kMeasureAgain = 1000;  // milliseconds between two looks at all of the table
// After a reload dns processes of the configuration before have so long to finish; and the new ones, to take the table
// of the process that replaces this one.
constexpr std::chrono::nanoseconds kFinishing = 5s, kHandingOver = 1s;
constexpr std::chrono::milliseconds kEach{1'000}, kPatience{3'000};  // an endpoint of etcd, and all of them

Result<std::string> read_password(const std::string& path) {
  TRY(std::string text, read_whole_file(path, kMaxPassword));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (text.empty()) return fail("{}: is empty; expected a password", path);
  return text;
}

// What etcd would be shown, and what is believed of it: whether there is any sense in it. (Files that change later are
// read at the next connection.)
Result<> check_tls(const FleetSettings& settings) {
  if (!settings.certificate.empty()) {
    TRY(const std::string chain, read_whole_file(settings.certificate, kMaxPem));
    TRY(const std::string key, read_whole_file(settings.key, kMaxPem));
    const auto pair = async::TlsContext::server(chain, key, {});
    if (!pair) return fail("{}, {}: {}", settings.certificate, settings.key, pair.error().text());
  }
  if (!settings.authorities.empty()) {
    TRY(const std::string authorities, read_whole_file(settings.authorities, kMaxPem));
    const auto known = async::TlsContext::client(authorities.empty() ? "\n" : authorities, {});
    if (!known) return fail("{}: {}", settings.authorities, known.error().text());
  }
  return {};
}

// The same in each service process of a server, and another one on each server.
std::string usual_server_id() { return fmt::format("{}-{}", host_name(), getppid()); }

// Of the supervisor, on whatever machine: when it was started there, and that machine.
std::string process_id() {
  constexpr std::size_t kMost = 4096;
  const std::string of_machine = read_whole_file("/proc/sys/kernel/random/boot_id", kMost).value_or("");
  const std::string of_process = read_whole_file(fmt::format("/proc/{}/stat", getppid()), kMost).value_or("");
  const std::size_t name_end = of_process.rfind(')');  // then 20 fields, of which the last is when
  std::size_t at = name_end == std::string::npos ? of_process.size() : name_end;
  for (int field = 0; field < 20 && at != std::string::npos; ++field) at = of_process.find(' ', at + 1);
  const std::string started = at == std::string::npos ? "" : of_process.substr(at, of_process.find(' ', at + 1) - at);
  const std::string all = fmt::format("{} {} {} {}", of_machine, host_name(), getppid(), started);
  return fmt::format("{:08x}", load_u32(crypto::sha256(as_bytes(all)).data()));
}

}  // namespace

forge::ChallengeWriter* FleetService::writer() const {
  return static_cast<forge::ChallengeWriter*>(memory_.store->companion());
}

Result<> FleetService::prepare() {
  if (const forge::ChallengeWriter* const other = writer()) {
    is_idle_ = other->capacity == settings_.capacity && other->path == settings_.description();
    prepared_ = is_idle_;
    if (is_idle_) return {};
    return fail("{} are kept by another server block, in another way", memory_.store->name());
  }
  if (!settings_.password_file.empty()) {
    password_files_.remember();
    Result<std::string> password = read_password(settings_.password_file);
    if (!password) return std::unexpected(settings_.place.error("acme-txt: store: " + password.error().text()));
    password_ = *std::move(password);
  }
  if (const Result<> usable = check_tls(settings_); !usable) {
    return std::unexpected(settings_.place.error("acme-txt: store: " + usable.error().text()));
  }
  TRY(make_table());
  prepared_ = true;
  log::info("plugin/acme-txt: {}: up to {} peers, shared by way of {}", zone_, settings_.capacity,
            settings_.description());
  return {};
}

Result<> FleetService::make_table() {
  shm::Shared& store = *memory_.store;
  if (store.exists()) {
    if (const Result<> sound = shm::table::check_identity(store.bytes()); !sound) {
      log::error("{}: {}; begun anew", store.name(), sound.error().text());
      store.replace(shm::Mapping());
    }
  }
  shm::TableWriter::Seed seed;
  random_.fill(seed);
  TRY(made_, shm::Segment::create("swage " + store.name(), shm::TableWriter::bytes_needed(settings_.capacity)));
  shm::TableWriter::format(made_.writable_bytes(), settings_.capacity, seed, shm::Clock::boot);
  auto writer = std::make_unique<forge::ChallengeWriter>();
  writer->table = shm::TableWriter(made_.writable_bytes());
  writer->table.set_lifetime(settings_.lifetime);
  writer->table.set_valid_until(1);
  writer->path = settings_.description();
  writer->capacity = settings_.capacity;
  writer->is_shared = true;
  store.set_companion(std::move(writer));
  if (!store.exists()) return store.provide(std::move(made_));
  const bool is_fenced = shm::Table(store.bytes()).valid_until() != 0;
  if (is_fenced) return {};
  // `store memory` was there before, which answers as if it knew everything.
  TRY(Descriptor copy, store.memory().descriptor().duplicate());
  TRY(memory_store_, shm::Mapping::open_sealed(std::move(copy), shm::Seal::elsewhere));
  return store.provide(std::move(made_));
}

// Now that this process is a member. The table of the process before is that process's, which leaves the fleet when it
// ends, or past its fence.
Result<> FleetService::put_in_force() { return made_.exists() ? memory_.store->provide(std::move(made_)) : Result<>(); }

// What a `store memory` had is answered here as long as it lives; the process that kept it accepts nothing any more.
void FleetService::take_over_memory_store() {
  if (!memory_store_.exists()) return;
  if (memory_.gate->exists()) {
    Result<shm::Segment> gate = shm::Segment::again(memory_.gate->memory());
    if (gate) shm::Gate(gate->writable_bytes()).close();
  }
  const shm::Table before(memory_store_.bytes());
  static_cast<void>(writer()->table.take_over(before, clocks_.moment(), shm::TableWriter::Room::free));
  memory_store_ = shm::Mapping();
}

etcd::Settings FleetService::etcd_settings() const {
  return {.endpoints = settings_.endpoints,
          .user = settings_.user,
          .password = password_,
          .certificate = settings_.certificate,
          .key = settings_.key,
          .authorities = settings_.authorities,
          .each = kEach,
          .patience = kPatience};
}

std::string FleetService::root() const {
  std::string zone = zone_;
  if (zone.size() > 1 && zone.ends_with('.')) zone.pop_back();
  return fmt::format("{}/{}/", settings_.prefix, zone);
}

async::Task<bool> FleetService::prepared(Host& host) {
  while (!prepared_) {
    const bool stopped = co_await host.stopping(kRetry);
    if (stopped) co_return false;
    const Result<> again = prepare();
    if (!again) log::error("{}", again.error().text());
  }
  co_return true;
}

async::Task<Result<>> FleetService::run(Host& host) {
  const bool goes_on = co_await prepared(host);
  if (!goes_on || is_idle_) co_return Result<>();
  take_over_memory_store();
  fleet::EtcdEngine engine(host.loop(), etcd_settings(), root());
  fleet::Settings settings;
  settings.zone = zone_;
  settings.server.name = settings_.server_id.empty() ? usual_server_id() : settings_.server_id;
  settings.server.process = process_id();
  settings.capacity = settings_.capacity;
  settings.lifetime = settings_.lifetime;
  const fleet::Surroundings around{host.loop(), engine, writer()->table, random_, clocks_};
  fleet::Fleet fleet(around, std::move(settings), measures_, [this] { return put_in_force(); });
  fleet_ = &fleet;
  writer()->backend = &fleet;
  async::Event stop(host.loop());
  {
    async::Tasks tasks;
    tasks.start(stop_in_time(host, stop));
    if (!settings_.password_file.empty()) tasks.start(follow_password(host, engine));
    co_await fleet.run(stop);
  }
  co_await fleet.finish();
  fleet_ = nullptr;
  writer()->backend = nullptr;
  co_return Result<>();
}

// It may be changed in etcd first, or in the file: what is tried in between is refused, and tried again.
async::Task<> FleetService::follow_password(Host& host, fleet::EtcdEngine& engine) {
  const auto load = [file = settings_.password_file] { return read_password(file); };
  const auto take = [this, &engine](Result<std::string> read) -> Result<> {
    TRY(password_, std::move(read));
    engine.use_password(password_);
    return {};
  };
  co_await follow(host, password_files_, load, take);
}

async::Task<> FleetService::stop_in_time(Host& host, async::Event& stop) {
  co_await host.stopping().wait();
  const std::int64_t since = host.loop().now();
  bool last_call = false;
  while (!last_call && !may_go(host, since)) last_call = co_await async::wait_for(host.last_call(), kLook);
  stop.set();
}

// The dns processes answer from this process's table until a later process is a member, and they have its table.
bool FleetService::may_go(Host& host, std::int64_t stopping_since) {
  const std::int64_t now = host.loop().now();
  if (!fleet_->is_valid()) return true;
  if (host.shutting_down()) return fleet_->is_idle();
  if (!fleet_->has_successor()) return false;
  if (!successor_since_) successor_since_ = now;
  return now - *successor_since_ > kHandingOver.count() && now - stopping_since > kFinishing.count();
}

void FleetService::show(metrics::Gauge live, metrics::Gauge capacity) {
  live_ = live;
  capacity_ = capacity;
}

void FleetService::report(Report& report, Report::Topic topic) {
  if (is_idle_) return;
  if (topic == Report::Topic::challenges && memory_.store->exists()) {
    const shm::Table table(memory_.store->bytes());
    report.add(report.challenges, {.store = zone_,
                                   .live = table.count_live(clocks_.by(table.clock())),
                                   .capacity = table.capacity(),
                                   .shared = true,
                                   .accepts = forge::ChallengeStore(*memory_.store).accepts()});
  }
  if (topic == Report::Topic::fleet) {
    const char* const state = fleet_ == nullptr ? "joins" : fleet_->is_valid() ? "member" : "cut off";
    report.add(report.fleet, {.store = settings_.description(),
                              .name = settings_.server_id.empty() ? "this server" : settings_.server_id,
                              .state = state});
  }
}

void FleetService::measure() {
  const std::int64_t now = clocks_.boot();
  if (fleet_ == nullptr) return;
  fleet_->measure();
  if (measured_ != 0 && now - measured_ < kMeasureAgain) return;
  measured_ = now;
  const shm::Table table(memory_.store->bytes());
  live_.set(static_cast<double>(table.count_live(clocks_.by(table.clock()))));
  capacity_.set(static_cast<double>(table.capacity()));
}

}  // namespace swage::plugins::acme_txt
