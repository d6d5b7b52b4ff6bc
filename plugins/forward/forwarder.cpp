#include "plugins/forward/forwarder.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "core/async/resolver.h"
#include "core/dns/decode.h"
#include "core/http/fetcher.h"
#include "core/whole_file.h"
#include "plugins/forward/relevant.h"

namespace swage::plugins::forward {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMaxFile = 1 << 20;  // bytes
constexpr auto kBetweenRounds = 50ms;      // when all upstreams have failed at once
constexpr auto kCheckTime = 1000ms;        // for the answer to a check of health
constexpr unsigned kRcode = 0x0F;
constexpr const char* kDurations = "coredns_proxy_request_duration_seconds";
constexpr const char* kDurationsHelp = "Histogram of the time each request took.";
constexpr const char* kFailures = "coredns_proxy_healthcheck_failures_total";
constexpr const char* kFailuresHelp = "Counter of the number of failed healthchecks.";
constexpr const char* kHits = "coredns_proxy_conn_cache_hits_total";
constexpr const char* kHitsHelp = "Counter of connection cache hits per upstream and protocol.";
constexpr const char* kMisses = "coredns_proxy_conn_cache_misses_total";
constexpr const char* kMissesHelp = "Counter of connection cache misses per upstream and protocol.";

shm::AnswerTableWriter::Seed random_seed() {
  shm::AnswerTableWriter::Seed seed{};
  crypto::SystemRandom().fill(seed);
  return seed;
}

// Each takes a descriptor; there are other services, too.
std::size_t most_questions() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 64;
  return std::clamp<std::size_t>(limit.rlim_cur / 4, 64, 4096);
}

std::vector<double> duration_bounds() {
  std::vector<double> bounds;
  for (double bound = 0.00025; bounds.size() < 16; bound *= 2) bounds.push_back(bound);
  return bounds;
}

using Addresses = Result<std::vector<IpAddress>>;

async::Task<> resolve(async::Resolver& resolver, std::string name, Addresses& found) {
  found = co_await resolver.resolve(std::move(name), async::Resolver::Family::any);
}

// Blocks until it is known.
Addresses addresses_of(const std::string& host, const std::vector<Endpoint>& resolvers) {
  async::Loop loop;
  Addresses found = fail("no answer");
  {
    async::Resolver resolver(loop, {.servers = resolvers});
    loop.spawn(resolve(resolver, host, found));
    loop.run();
  }
  return found;
}

// Those whose labels show when something is asked.
void declare_metrics(metrics::Registry& metrics) {
  using metrics::Kind;
  metrics.declare(Kind::histogram, kDurations, kDurationsHelp, duration_bounds(), {"proxy_name", "to", "rcode"});
  metrics.declare(Kind::counter, kFailures, kFailuresHelp, {}, {"proxy_name", "to"});
  metrics.declare(Kind::counter, kHits, kHitsHelp, {}, {"proxy_name", "to", "proto"});
  metrics.declare(Kind::counter, kMisses, kMissesHelp, {}, {"proxy_name", "to", "proto"});
}

bool has(const std::vector<dns::Rcode>& rcodes, Bytes message) {
  return std::ranges::find(rcodes, static_cast<dns::Rcode>(message[3] & kRcode)) != rcodes.end();
}

}  // namespace

Forwarder::Asking::Asking(async::Loop& on, const std::vector<upstream::Way>& ways) : loop(on) {
  for (const upstream::Way& way : ways) upstreams.push_back(std::make_unique<Upstream>(on, way, random));
}

std::size_t Forwarder::Asking::pick(std::size_t count) {
  std::array<std::uint8_t, 2> bytes{};
  random.fill(bytes);
  return load_u16(bytes.data()) % count;
}

Forwarder::Forwarder(Settings settings, shm::Shared& memory, AnswerRoom room, Fetch& fetch, metrics::Registry& metrics)
    : Fetcher(fetch, memory),
      settings_(std::move(settings)),
      store_(memory, room, random_seed()),
      metrics_(metrics),
      broken_(metrics.counter("coredns_forward_healthcheck_broken_total",
                              "Counter of the number of complete failures of the healthchecks.")),
      rejects_(metrics.counter("coredns_forward_max_concurrent_rejects_total",
                               "Counter of the number of queries rejected because the concurrent queries were at "
                               "maximum.")) {
  declare_metrics(metrics);
}

Result<> Forwarder::check() {
  leads_.clear();
  for (const To& to : settings_.to) {
    Result<Lead> lead = lead_of(to);
    if (!lead) return std::unexpected(to.token.error("forward: " + lead.error().text()));
    leads_.push_back(*std::move(lead));
  }
  return make_ways();
}

Result<> Forwarder::prepare() {
  TRY(check());
  if (std::ranges::any_of(settings_.to, &To::https)) http::Fetcher::load();
  return store_.prepare();
}

Result<> Forwarder::look_up() {
  for (Lead& lead : leads_) {
    if (!lead.endpoints.empty()) continue;
    const Result<> found = look_up(lead);
    if (!found) return std::unexpected(lead.to->token.error("forward: " + found.error().text()));
  }
  return make_ways();
}

// To what is known.
Result<> Forwarder::make_ways() {
  ways_.clear();
  for (const Lead& lead : leads_) {
    for (const Endpoint& endpoint : lead.endpoints) {
      const bool known = std::ranges::any_of(ways_, [&](const upstream::Way& way) { return way.to == endpoint; });
      if (known && !lead.to->endpoint) continue;  // names may lead to the same
      Result<upstream::Way> way = way_to(lead, endpoint);
      if (!way) return std::unexpected(lead.to->token.error("forward: " + way.error().text()));
      ways_.push_back(*std::move(way));
    }
  }
  if (ways_.size() > kMaxUpstreams) {
    const config::Token& token = settings_.to.front().token;
    return std::unexpected(
        token.error(fmt::format("forward: more than {} upstreams: {}", kMaxUpstreams, ways_.size())));
  }
  return {};
}

// Reads the files.
Result<Forwarder::Lead> Forwarder::lead_of(const To& to) const {
  Lead lead{.to = &to};
  if (to.endpoint) {
    lead.endpoints = {*to.endpoint};
  } else {
    const Result<std::string> text = to.path.empty() ? fail("") : read_whole_file(to.path, kMaxFile);
    if (text) lead.endpoints = nameservers_in(*text);
    if (text && lead.endpoints.empty()) return fail("there is no nameserver in {}", to.path);
    if (!text && to.host.empty()) {
      return fail("'{}' is not an address, and as a file: {}", to.token.text, text.error().text());
    }
  }
  lead.way = {
      .tcp = settings_.force_tcp, .expire = settings_.expire, .max_age = settings_.max_age, .from = settings_.source};
  if (!to.tls && !to.https) return lead;
  std::string authorities, certificate, key;
  if (!settings_.authorities.empty()) {
    TRY(authorities, read_whole_file(settings_.authorities, kMaxFile));
  }
  std::optional<async::TlsCertificate> own;
  if (!settings_.certificate.empty()) {
    TRY(certificate, read_whole_file(settings_.certificate, kMaxFile));
    TRY(key, read_whole_file(settings_.key, kMaxFile));
    own = {certificate, key};
  }
  TRY(async::TlsContext tls, async::TlsContext::client(authorities, {to.tls ? "dot" : "h2"}, own));
  if (to.tls) {
    lead.way.tls = std::move(tls);
  } else {
    lead.way.https = {settings_.doh_get, authorities, certificate, key};  // which are as they should be
  }
  return lead;
}

// Asks for the addresses of a host.
Result<> Forwarder::look_up(Lead& lead) const {
  const To& to = *lead.to;
  const Result<std::vector<IpAddress>> addresses = addresses_of(to.host, settings_.resolvers);
  if (!addresses) {
    return fail("'{}' is not an address{}, and as the name of a host: {}", to.token.text,
                to.path.empty() ? "" : " or a file", addresses.error().text());
  }
  for (const IpAddress& address : *addresses) lead.endpoints.push_back({.address = address, .port = to.port});
  return {};
}

Result<upstream::Way> Forwarder::way_to(const Lead& lead, const Endpoint& endpoint) const {
  upstream::Way way = lead.way;
  way.to = endpoint;
  if (way.from && way.from->is_v6() != endpoint.address.is_v6()) {
    return fail("source_address {} cannot ask {}", way.from->to_string(), endpoint.to_string());
  }
  if (!way.tls && !way.https) return way;
  way.server_name = lead.to->server_name;
  if (way.server_name.empty()) way.server_name = settings_.server_name;
  if (way.server_name.empty()) way.server_name = lead.to->host;
  if (way.server_name.empty()) way.server_name = endpoint.address.to_string();
  return way;
}

// Questions, which the networks of clients share out among themselves. Over connections no more than there may be to
// one upstream: all others may be down.
std::size_t Forwarder::most_at_once() const {
  const bool connects =
      std::ranges::all_of(ways_, [](const upstream::Way& way) { return way.tcp || way.tls || way.https; });
  const std::size_t most = connects ? std::size_t{upstream::Connections::kMost} : most_questions();
  return settings_.most_at_a_time == 0 ? most : std::min<std::size_t>(most, settings_.most_at_a_time);
}

async::Task<Result<>> Forwarder::run(Host& host) {
  if (!asking_) asking_.emplace(host.loop(), ways_);
  fetch().fetch_at_most(most_at_once());
  if (settings_.most_at_a_time != 0) {
    fetch().refuse_beyond(settings_.most_at_a_time, [this](const std::string& key) { refuse(key); });
  }
  fetch().on_wanted([this](const std::string& key) { asking_->tasks.start(take(key)); });
  co_return Result<>();
}

async::Task<> Forwarder::take(std::string key) {
  const Result<FetchedQuestion> wanted = FetchedQuestion::read(key);
  if (!wanted) {
    fetch().failed(key);
    co_return;
  }
  const std::int64_t end = asking_->loop.now() + std::chrono::nanoseconds(kTime).count();
  upstream::Question question{.name = wanted->name, .type = wanted->type};
  question.recursion_desired = wanted->recursion_desired;
  question.dnssec_ok = wanted->dnssec_ok;
  question.checking_disabled = wanted->checking_disabled;
  const Result<Told> told = co_await ask(question, end);
  const Result<> answered = told ? answer(key, *told) : std::unexpected(told.error());
  if (told && !answered) store_.drop();
  if (answered) {
    fetch().settled(key);
  } else {
    log::debug("plugin/forward: {}: {}", wanted->name.to_string(), answered.error().text());
    static_cast<void>(store_.put_attempt(key, asking_->loop.now()));
    fetch().failed(key);
  }
}

// Where dns processes read.
Result<> Forwarder::answer(const std::string& key, const Told& told) {
  TRY(const FetchedQuestion question, FetchedQuestion::read(key));
  response_.clear();
  TRY(dns::decode(told.message, response_));
  keep_relevant(response_, question.name);
  response_.truncated = false;
  response_.origin = told.by;
  return store_.put(key, response_, asking_->loop.now());
}

void Forwarder::refuse(const std::string& key) {
  rejects_.add();
  response_.clear();
  const Result<> stored = store_.put(key, response_, asking_->loop.now());
  stored ? fetch().settled(key) : fetch().failed(key);
}

// One upstream after the other, those that are down left out, until one answers or the time is over.
async::Task<Result<Forwarder::Told>> Forwarder::ask(upstream::Question question, std::int64_t end) {
  const std::vector<Upstream*> all = in_order();
  // Not in the coroutine's frame: g++ 12 -O2 takes a vector there for one that must not be freed
  // (-Wfree-nonheap-object).
  const auto last = std::make_unique<Result<Told>>(fail("no upstream is well"));
  std::size_t down = 0;
  unsigned asked = 0;
  for (std::size_t i = 0; asking_->loop.now() < end; ++i) {
    if (i == all.size()) {
      i = down = 0;
      co_await async::sleep(asking_->loop, kBetweenRounds);
    }
    Upstream* upstream = all[i];
    if (is_down(*upstream)) {
      if (++down < all.size()) continue;
      broken_.add();
      if (settings_.fails_fast) break;
      upstream = all[asking_->pick(all.size())];  // the checks may be what does not work
    }
    if (settings_.most_connects != 0 && asked >= settings_.most_connects) break;
    ++asked;
    const Result<Message> answer = co_await ask(*upstream, question, end);
    if (answer) {
      *last = Told{upstream->server.way().to, *answer};
    } else {
      *last = std::unexpected(answer.error());
    }
    const bool answered = answer.has_value();
    if (answered && (!has(settings_.failover, *answer) || asked >= all.size())) break;
    if (!answered) check(*upstream);
    if (!answered && down >= all.size()) break;
  }
  co_return *last;
}

async::Task<Result<Forwarder::Message>> Forwarder::ask(Upstream& upstream, upstream::Question question,
                                                       std::int64_t end) {
  const std::int64_t begun = asking_->loop.now();
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::nanoseconds(end - begun));
  const auto time = std::clamp<std::chrono::milliseconds>(left, 1ms, settings_.read_timeout);
  const Result<Message> message = co_await upstream.server.ask(question, time);
  if (message) count(upstream, *message, asking_->loop.now() - begun);
  co_return message;
}

std::vector<Forwarder::Upstream*> Forwarder::in_order() {
  std::vector<Upstream*> all;
  for (const auto& upstream : asking_->upstreams) all.push_back(upstream.get());
  if (settings_.policy == Policy::round_robin) {
    std::ranges::rotate(all, all.begin() + static_cast<std::ptrdiff_t>(asking_->next++ % all.size()));
  } else if (settings_.policy == Policy::random) {
    for (std::size_t left = all.size(); left > 1; --left) std::swap(all[left - 1], all[asking_->pick(left)]);
  }
  return all;
}

bool Forwarder::is_down(const Upstream& upstream) const {
  return settings_.max_fails != 0 && upstream.fails > settings_.max_fails;
}

void Forwarder::check(Upstream& upstream) {
  if (settings_.max_fails == 0 || std::exchange(upstream.checked, true)) return;
  asking_->tasks.start(check_until_well(upstream));
}

async::Task<> Forwarder::check_until_well(Upstream& upstream) {
  const std::string to = upstream.server.way().to.to_string();
  upstream::Question question{.name = settings_.check_domain, .type = dns::Type::ns};
  question.recursion_desired = settings_.check_recursion;
  const metrics::Counter failures = metrics_.counter(kFailures, kFailuresHelp, {{"proxy_name", "forward"}, {"to", to}});
  while (true) {
    const Result<Message> answer = co_await upstream.server.ask(question, kCheckTime);
    if (answer) break;
    failures.add();
    if (upstream.fails++ == settings_.max_fails)
      log::warning("plugin/forward: an upstream is down: {}", answer.error().text());
    co_await async::sleep(asking_->loop, settings_.check_interval);
  }
  if (is_down(upstream)) log::info("plugin/forward: {}: answers again", to);
  upstream.fails = 0;
  upstream.checked = false;
}

void Forwarder::count(Upstream& upstream, Bytes message, std::int64_t nanoseconds) {
  const upstream::Way& way = upstream.server.way();
  const std::string to = way.to.to_string();
  const std::string rcode = dns::to_string(static_cast<dns::Rcode>(message[3] & kRcode));
  auto found = upstream.durations.find(rcode);
  if (found == upstream.durations.end()) {
    const metrics::Histogram duration = metrics_.histogram(kDurations, kDurationsHelp, duration_bounds(),
                                                           {{"proxy_name", "forward"}, {"to", to}, {"rcode", rcode}});
    found = upstream.durations.emplace(rcode, duration).first;
  }
  found->second.observe(static_cast<double>(nanoseconds) / 1e9);

  const metrics::Labels labels{{"proxy_name", "forward"}, {"to", to}, {"proto", way.tls ? "tcp-tls" : "tcp"}};
  const upstream::Connections& connections = upstream.server.connections();
  const std::uint64_t hits = connections.hits(), misses = connections.misses();
  if (hits != upstream.hits) metrics_.counter(kHits, kHitsHelp, labels).add(hits - upstream.hits);
  if (misses != upstream.misses) metrics_.counter(kMisses, kMissesHelp, labels).add(misses - upstream.misses);
  upstream.hits = hits;
  upstream.misses = misses;
}

}  // namespace swage::plugins::forward
