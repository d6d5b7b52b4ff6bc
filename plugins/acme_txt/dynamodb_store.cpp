#include "plugins/acme_txt/dynamodb_store.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

#include "core/crypto/random.h"
#include "core/libp2p/peer_id.h"
#include "core/log.h"
#include "core/whole_file.h"

namespace swage::plugins::acme_txt {
namespace {

using async::Task;
using forge::ChallengeError;
using namespace std::chrono_literals;

constexpr std::uint64_t kCapacity = 1 << 15;  // peers in two seconds: what kAtOnce requests of 4 ms come to; 17 MB
constexpr std::size_t kAtOnce = 64;           // requests for queries
constexpr std::size_t kMostCredentials = 64 << 10;  // bytes of the file
constexpr std::chrono::milliseconds kFollow{10'000}, kBetweenAttempts{5'000};
constexpr std::chrono::seconds kBetweenComplaints{10};

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

void set_from(std::string& setting, std::initializer_list<const char*> names) {
  for (const char* const each : names) {
    if (setting.empty()) setting = variable(each);
  }
}

}  // namespace

DynamoDbStore::DynamoDbStore(std::string zone, DynamoDbSettings settings, DynamoDbMeasures measures,
                             shm::Shared& memory, Fetch& fetch, shm::Clocks clocks)
    : zone_(std::move(zone)),
      settings_(std::move(settings)),
      measures_(measures),
      memory_(memory),
      fetch_(fetch),
      clocks_(clocks),
      files_("acme-txt", {settings_.credentials}, {.every = kFollow, .watch_folder = true}) {}

DynamoDbMeasures DynamoDbMeasures::of(metrics::Registry& registry, const std::string& zone) {
  const auto requests = [&](std::string operation) {
    return registry.counter("swage_dynamodb_requests_total", "Requests to a DynamoDB table of challenges.",
                            {{"zone", zone}, {"operation", std::move(operation)}});
  };
  return {.gets = requests("get"),
          .puts = requests("put"),
          .failures = registry.counter("swage_dynamodb_failures_total", "Those that failed.", {{"zone", zone}})};
}

Result<> DynamoDbStore::prepare() {
  const Result<> read = read_environment();
  if (!read && memory_.lasts()) return read;
  if (!read) log::warning("plugin/acme-txt: {}: {}", zone_, read.error().text());  // swage -check
  TRY(make_table());
  prepared_ = true;
  log::info("plugin/acme-txt: {}: the DynamoDB table {} in {}", zone_, settings_.table.table, settings_.table.region);
  return {};
}

Result<> DynamoDbStore::read_environment() {
  set_from(settings_.table.region, {dynamodb::kRegion, dynamodb::kUsualRegion});
  set_from(settings_.table.endpoint, {dynamodb::kEndpoint, dynamodb::kUsualEndpoint});
  if (settings_.table.region.empty()) {
    return fail("no region: say 'region REGION', or set {} in the environment", dynamodb::kRegion);
  }
  files_.remember();
  TRY(credentials_, credentials());
  return {};
}

Result<dynamodb::Credentials> DynamoDbStore::credentials() const {
  if (settings_.credentials.empty()) {
    auto found = dynamodb::credentials_in(variable);
    if (!found) return fail("{} in the environment, and there is no 'credentials FILE'", found.error().text());
    return found;
  }
  TRY(const std::string text, read_whole_file(settings_.credentials, kMostCredentials));
  auto parsed = dynamodb::parse_credentials(text);
  if (!parsed) return fail("{}: {}", settings_.credentials, parsed.error().text());
  return parsed;
}

// Always a new one: what another process remembered is soon forgotten.
Result<> DynamoDbStore::make_table() {
  TRY(shm::Segment made, shm::Segment::create(memory_.name(), shm::TableWriter::bytes_needed(kCapacity)));
  shm::TableWriter::Seed seed;
  crypto::SystemRandom().fill(seed);
  shm::TableWriter::format(made.writable_bytes(), kCapacity, seed, shm::Clock::boot);
  auto writer = std::make_unique<forge::ChallengeWriter>();
  writer->table = shm::TableWriter(made.writable_bytes());
  writer->backend = this;
  writer->is_shared = true;
  table_ = &writer->table;
  TRY(memory_.provide(std::move(made)));
  memory_.set_companion(std::move(writer));
  return {};
}

Task<Result<>> DynamoDbStore::run(Host& host) {
  while (!prepared_) {  // it takes the place of a process that died
    const bool stopped = co_await host.stopping(kBetweenAttempts);
    if (stopped) co_return Result<>();
    const Result<> prepared = prepare();
    if (!prepared) log::error("plugin/acme-txt: {}: {}", zone_, prepared.error().text());
  }
  loop_ = &host.loop();
  if (!values_) values_.emplace(*loop_, settings_.table, credentials_);
  fetch_.fetch_at_most(kAtOnce);
  fetch_.on_wanted([this](const std::string& key) { fetching_.start(fetch(key)); });
  if (settings_.credentials.empty()) {
    co_await host.stopping().wait();
  } else {
    co_await follow_credentials(host);
  }
  co_return Result<>();
}

Task<> DynamoDbStore::follow_credentials(Host& host) {
  const auto load = [this] { return credentials(); };
  const auto take = [this](Result<dynamodb::Credentials> read) -> Result<> {
    TRY(dynamodb::Credentials credentials, std::move(read));
    values_->use(std::move(credentials));
    return {};
  };
  co_await follow(host, files_, load, take);
}

Task<> DynamoDbStore::fetch(std::string key) {
  const bool found = co_await get(key);
  if (found) {
    fetch_.settled(key);
  } else {
    fetch_.failed(key);
  }
}

Task<bool> DynamoDbStore::get(std::string key) {
  const auto peer = libp2p::PeerId::from_multihash(as_bytes(key));
  if (!peer) co_return false;
  const std::int64_t sent = clocks_.boot();
  const auto got = co_await values_->get(peer->to_base58());
  if (!got) {
    complain(got.error());
    co_return false;
  }
  // DynamoDB removes what has expired within days.
  const bool is_live = *got && (*got)->expires.value_or(INT64_MAX / 1000) * 1000 > clocks_.wall();
  std::optional<std::string_view> value;
  if (is_live) value = (*got)->value;
  const bool remembered = remember(*table_, peer->multihash(), value, sent, clocks_.boot());
  if (!remembered)
    complain(
        Error(fmt::format("{}: what the table has is not a challenge, or there is no room for it", peer->to_base58())));
  co_return remembered;
}

Task<forge::OrChallengeError<>> DynamoDbStore::put(forge::Challenge challenge, std::int64_t now) {
  const auto peer = libp2p::PeerId::from_multihash(challenge.multihash);
  if (!peer || !shm::table::is_sound(challenge.multihash, challenge.value)) {
    co_return std::unexpected(ChallengeError::invalid);
  }
  if (!accepts()) co_return std::unexpected(ChallengeError::missing);
  dynamodb::Item item;
  item.value = challenge.value;
  item.expires = (now + settings_.lifetime) / 1000;
  const Result<> done = co_await values_->put(peer->to_base58(), std::move(item));
  if (!done) {
    complain(done.error());
    co_return std::unexpected(ChallengeError::unreachable);
  }
  const std::int64_t written = clocks_.boot();
  static_cast<void>(remember(*table_, challenge.multihash, challenge.value, written, written));
  co_await async::sleep(*loop_, kWait);
  co_return forge::OrChallengeError<>();
}

// Each broker counts for itself.
Task<forge::OrChallengeError<std::chrono::microseconds>> DynamoDbStore::admit(std::vector<forge::Allowance>,
                                                                              std::int64_t) {
  co_return 0us;
}

// There may be one for each query.
void DynamoDbStore::complain(const Error& error) {
  const std::int64_t now = loop_->now();
  ++unsaid_;
  if (complained_ != 0 && now - complained_ < std::chrono::nanoseconds(kBetweenComplaints).count()) return;
  const std::uint64_t others = std::exchange(unsaid_, 0) - 1;
  complained_ = now;
  log::error("plugin/acme-txt: {}: {}{}", zone_, error.text(),
             others == 0 ? "" : fmt::format(" (and {} more since the last time)", others));
}

void DynamoDbStore::measure() {
  if (!values_) return;
  const dynamodb::Values::Counts counts = values_->counts();
  measures_.gets.add(counts.gets - counted_.gets);
  measures_.puts.add(counts.puts - counted_.puts);
  measures_.failures.add(counts.failures - counted_.failures);
  counted_ = counts;
}

}  // namespace swage::plugins::acme_txt
