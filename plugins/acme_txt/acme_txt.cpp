#include "plugins/acme_txt/acme_txt.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <iterator>

#include "core/acme/challenge_key.h"
#include "core/dns/type_index.h"
#include "core/libp2p/peer_id.h"
#include "core/log.h"
#include "plugins/acme_txt/remembered.h"

namespace swage::plugins::acme_txt {
namespace {

constexpr std::chrono::seconds kBetweenAttempts{5};  // to make a store for which there was no room
constexpr std::string_view kLabel = "_acme-challenge";
constexpr std::int64_t kMeasure = 1000;  // milliseconds between two looks at all of the table

// The process before is gone after 20 s; it waits for what it hands on.
constexpr std::chrono::milliseconds kAttended{25'000}, kBetweenLetters{3};

constexpr std::array kTxtAlone = {dns::Type::txt};  // types of a name, whether it has a challenge now or not

// Places in the table of what is counted.
constexpr std::size_t kTxt = 0, kEmpty = 1, kNoData = 2;

}  // namespace

std::int64_t coarse_time() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

std::int64_t boot_time() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

// The zone two labels above qname; nullptr where it is not one of ours.
const dns::Name* AcmeTxt::zone_of(const Query& query) const {
  const dns::NameView above = query.key_suffix(2);
  const auto zone =
      std::ranges::find_if(settings_.zones, [&](const dns::Name& each) { return above.same_spelling(each); });
  return zone == settings_.zones.end() ? nullptr : &*zone;
}

Result<Outcome> AcmeTxt::serve(const Query& query, Response& response, Next next) const {
  if (query.qclass != dns::Class::in || query.label_count < 2 || as_text(query.key.view().first_label()) != kLabel) {
    return next(query, response);
  }
  if (const dns::Name* const zone = zone_of(query)) {
    const auto peer = libp2p::PeerId::from_label(query.key_suffix(1).first_label());
    if (peer) return serve_peer(query, response, next, peer->multihash(), *zone);
  }
  return serve_own(query, response, next);
}

// What the store has of the key.
Result<AcmeTxt::Looked> AcmeTxt::look(const Query& query, Bytes key, forge::Challenges& values) const {
  const shm::Table table = store_.table();
  if (table.find(key, clocks_.by(table.clock()), values) == shm::Table::Found::unsettled) {
    return fail("the challenges of {} cannot be read", query.qname.to_string());
  }
  const std::int64_t valid_until = table.valid_until();
  if (valid_until != 0 && clocks_.boot() >= valid_until) return Looked::fenced;
  if (settings_.fetch != nullptr && !is_remembered(values)) return Looked::later;
  return Looked::found;
}

Result<Outcome> AcmeTxt::serve_peer(const Query& query, Response& response, Next next, Bytes multihash,
                                    const dns::Name& zone) const {
  if (query.qtype != dns::Type::txt) {
    settings_.responses.at(kNoData + dns::type_index(query.qtype)).add();
    response.types = kTxtAlone;
    return no_data(query, response, next, zone);
  }
  if (!store_.exists()) return fail("the challenge store of {} is not there", zone.to_string());
  forge::Challenges values;
  TRY(const Looked looked, look(query, multihash, values));
  if (looked == Looked::fenced) return refuse_fenced(response);
  if (looked == Looked::later) return settings_.fetch->later(response, multihash);
  if (values.count == 0 && !settings_.placeholder) {
    response.types.emplace();
    return no_data(query, response, next, zone);
  }
  settings_.responses.at(values.count == 0 ? kEmpty : kTxt).add();
  for (std::size_t i = 0; i < values.count; ++i) answer_text(query, response, settings_.ttl, values.text(i));
  if (values.count == 0) answer_text(query, response, settings_.ttl, *settings_.placeholder);
  return Outcome::send;
}

// For certificates of this nameserver's own (core/certificates): of names that are no peer's. Where there is no value,
// the name is whatever the other plugins say.
Result<Outcome> AcmeTxt::serve_own(const Query& query, Response& response, Next next) const {
  const dns::NameView name = query.key_suffix(1);
  const auto holds = [name](const dns::Name& zone) { return name.is_under(zone); };
  const auto zone = std::ranges::find_if(settings_.zones, holds);
  if (zone == settings_.zones.end() || !store_.exists()) return next(query, response);
  const acme::ChallengeKey key = acme::challenge_key(name.bytes());
  forge::Challenges values;
  TRY(const Looked looked, look(query, key, values));
  if (looked == Looked::later && query.qtype == dns::Type::txt) return settings_.fetch->later(response, key);
  if (values.count == 0 || looked == Looked::later) return next(query, response);
  if (looked == Looked::fenced) return refuse_fenced(response);
  if (query.qtype != dns::Type::txt) {
    response.types = kTxtAlone;
    return no_data(query, response, next, *zone);
  }
  for (std::size_t i = 0; i < values.count; ++i) answer_text(query, response, settings_.ttl, values.text(i));
  return Outcome::send;
}

// The fleet may have agreed on a value that is not here: a resolver asks another nameserver then.
Outcome AcmeTxt::refuse_fenced(Response& response) const {
  settings_.fenced.add();
  return answer_failure(response, dns::ExtendedError::not_ready, "cut off from the other nameservers");
}

metrics::Counters count_responses(metrics::Registry& registry) {
  std::vector<std::string> types = {"TXT", "TXT-EMPTY"};
  std::ranges::move(dns::type_index_names("NODATA-"), std::back_inserter(types));
  return registry.counters("coredns_forge_acme_dns01_responses_total", "The count of DNS-01 TXT responses.", {},
                           {{"type", types}});
}

Result<> ChallengeService::prepare() {
  TRY(keeper_.prepare(clocks_.moment()));
  prepared_ = true;
  log::info("plugin/acme-txt: {}: {}", zone_, keeper_.description(clocks_.moment()));
  return {};
}

void ChallengeService::show(shm::Shared& memory, metrics::Gauge live, metrics::Gauge capacity) {
  memory_ = &memory;
  live_ = live;
  capacity_ = capacity;
}

void ChallengeService::measure() {
  const std::int64_t now = clocks_.boot();
  if (memory_ == nullptr || (measured_ != 0 && now - measured_ < kMeasure)) return;
  measured_ = now;
  const shm::Table table(memory_->bytes());
  live_.set(static_cast<double>(table.count_live(clocks_.by(table.clock()))));
  capacity_.set(static_cast<double>(table.capacity()));
}

void ChallengeService::report(Report& report, Report::Topic topic) {
  if (topic != Report::Topic::challenges || memory_ == nullptr) return;
  const shm::Table table(memory_->bytes());
  report.add(report.challenges, {.store = zone_,
                                 .live = table.count_live(clocks_.by(table.clock())),
                                 .capacity = table.capacity(),
                                 .shared = false,
                                 .accepts = forge::ChallengeStore(*memory_).accepts()});
}

async::Task<Result<>> ChallengeService::run(Host& host) {
  // A process that replaces another goes on where prepare() failed: what was stored is answered, nothing is accepted.
  while (!prepared_) {
    const bool stopped = co_await host.stopping(kBetweenAttempts);
    if (stopped) co_return Result<>();
    const Result<> prepared = prepare();
    if (!prepared) log::debug("plugin/acme-txt: {}", prepared.error().text());
  }
  if (const Result<> enforced = keeper_.enforce(clocks_.moment()); !enforced) co_return enforced;
  const std::int64_t until = host.loop().now() + std::chrono::nanoseconds(kAttended).count();
  while (keeper_.has_predecessor() && host.loop().now() < until) {
    const bool stopped = co_await host.stopping(kBetweenLetters);
    if (stopped) break;
    keeper_.attend(clocks_.moment());
  }
  co_return Result<>();
}

}  // namespace swage::plugins::acme_txt
