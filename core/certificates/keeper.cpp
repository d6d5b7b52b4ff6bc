#include "core/certificates/keeper.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include "core/acme/challenge_key.h"
#include "core/acme/renewal.h"
#include "core/acme/times.h"
#include "core/async/tasks.h"
#include "core/async/work.h"
#include "core/certificates/schedule.h"
#include "core/dns/name.h"
#include "core/format.h"
#include "core/log.h"

namespace swage::certificates {
namespace {

using namespace std::chrono_literals;
using Milliseconds = Keeper::Milliseconds;

constexpr auto kLookAgain = 5s;          // where something is wrong: the operator may mend it
constexpr auto kLocked = 1s;             // another process has the order
constexpr auto kOrderTime = 120s;        // for an order, which goes on later where it is not finished
constexpr std::int64_t kHurried = 3600;  // seconds between two renewals that the CA wants early
constexpr unsigned kFaults = 4;          // that may pass by themselves, before it is an error

std::int64_t wall() { return std::time(nullptr); }

std::string date(std::int64_t time) {
  const std::time_t value = time;
  std::tm utc{};
  gmtime_r(&value, &utc);
  char text[40];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &utc);
  return {text, size};
}

Result<acme::ChallengeKey> key_of(const std::string& name) {
  TRY(const dns::Name parsed, dns::Name::parse(name));
  const dns::Name lower = parsed.lowercased();
  return acme::challenge_key(dns::NameView(lower).bytes());
}

}  // namespace

Measures Measures::of(metrics::Registry& registry, const std::string& domain) {
  const metrics::Labels labels = {{"domain", domain}};
  return {.orders = registry.counters("swage_acme_orders_total", "Orders for certificates, by what came of them.",
                                      labels, {{"result", {"ok", "failed"}}}),
          .failures = registry.gauge("swage_acme_failures", "Orders that have failed since one succeeded.", labels),
          .renewal = registry.gauge("swage_acme_renewal_timestamp_seconds",
                                    "When the certificate is to be renewed; 0: there is none yet.", labels),
          .expiry = registry.gauge("swage_certificate_expiry_timestamp_seconds",
                                   "When the first certificate of the chain expires.", labels)};
}

async::Task<Result<>> Keeper::run(Host& host) {
  while (true) {
    const std::optional<Milliseconds> pause = co_await async::until(host.stopping(), look(host.loop()));
    if (!pause) co_return Result<>();
    const bool stopped = co_await host.stopping(*pause);
    if (stopped) co_return Result<>();
  }
}

// Gives how long to wait for the next one.
async::Task<Milliseconds> Keeper::look(async::Loop& loop) {
  const auto load = [this] { return state_.load(); };
  const Result<Stored> stored = co_await async::work(loop, load);
  if (!stored) {
    report(stored.error().text());
    co_return kLookAgain;
  }
  if (stored->issued) co_await ask_when(loop, *stored->issued);
  show(*stored);
  const Milliseconds pause = until_due(*stored);
  if (pause.count() > 0) co_return pause;
  co_return co_await order(loop);
}

// When to get a certificate, seconds since 1970.
std::int64_t Keeper::due(const Stored& stored) const {
  const bool is_foreign = !stored.record.issued_by.empty() && stored.record.issued_by != settings_.directory;
  if (!stored.issued || is_foreign) return 0;
  const crypto::Issued& issued = *stored.issued;
  const std::int64_t usual = acme::renewal_time(issued, std::nullopt);
  if (!suggested_ || suggested_for_ != issued.renewal_id) return usual;
  const std::int64_t time = acme::renewal_time(issued, suggested_);
  // A CA that wants each new one renewed at once gets one an hour.
  return hurried_ ? std::max(time, std::min(issued.not_before + kHurried, usual)) : time;
}

Milliseconds Keeper::until_due(const Stored& stored) const {
  return pause_until(due(stored), stored.record, !stored.issued, wall());
}

void Keeper::report(Report& report, Report::Topic topic) {
  if (topic != Report::Topic::certificates || !looked_) return;
  std::string names;
  for (const std::string& name : settings_.names) names += (names.empty() ? "" : ", ") + name;
  report.add(report.certificates,
             {.names = names, .by = settings_.plugin, .expires = expiry_, .renewal = renewal_, .problem = problem_});
}

void Keeper::show(const Stored& stored) {
  looked_ = true;
  renewal_ = stored.issued ? due(stored) : 0;
  expiry_ = stored.issued ? stored.issued->not_after : 0;
  measures_.failures.set(stored.record.failures);
  measures_.renewal.set(stored.issued ? static_cast<double>(due(stored)) : 0);
  measures_.expiry.set(stored.issued ? static_cast<double>(stored.issued->not_after) : 0);
}

void Keeper::report(const std::string& problem) {
  if (problem == problem_) return;
  problem_ = problem;
  log::error("plugin/{}: {}: no certificate can be got: {}", settings_.plugin, settings_.names.front(), problem);
}

// The order, or what is left of one, by this process alone.
async::Task<Milliseconds> Keeper::order(async::Loop& loop) {
  const auto lock = [this] { return state_.lock(); };
  const Result<std::optional<Descriptor>> locked = co_await async::work(loop, lock);
  if (!locked) {
    report(locked.error().text());
    co_return kLookAgain;
  }
  if (!locked->has_value()) co_return kLocked;
  const auto load = [this] { return state_.load(); };
  Result<Stored> stored = co_await async::work(loop, load);  // another process may have been faster
  if (!stored || until_due(*stored).count() > 0) co_return kLocked;
  const bool early = stored->issued && acme::renewal_time(*stored->issued, std::nullopt) > wall();
  if (stored->record.order.empty()) {
    const Milliseconds wait = co_await admitted();
    if (wait.count() > 0) co_return wait;
  }
  const std::optional<acme::Action> result = co_await async::within(loop, kOrderTime, issue(loop, *stored));
  acme::Failure late;
  late.why = "the CA takes too long";
  if (!result) co_return co_await failed(loop, *stored, std::move(late));
  if (const auto* const failure = std::get_if<acme::Failure>(&*result)) {
    co_return co_await failed(loop, *stored, *failure);
  }
  problem_.clear();
  hurried_ = early;
  measures_.orders.at(0).add();
  const crypto::Issued& issued = std::get<acme::Chain>(*result).issued;
  log::info("plugin/{}: {}: new certificate, good until {}", settings_.plugin, settings_.names.front(),
            date(issued.not_after));
  ask_again_ = 0;
  if (acme::renewal_time(issued, std::nullopt) > wall()) co_return 0ms;
  const Stored fresh{issued,
                     {.issued_by = settings_.directory, .directory = settings_.directory, .names = settings_.names}};
  const std::string why = formatted("it is to be renewed already, at {}: is this machine's clock right?",
                                    date(acme::renewal_time(issued, std::nullopt)));
  acme::Failure failure{why, true};
  co_return co_await failed(loop, fresh, std::move(failure));
}

async::Task<Milliseconds> Keeper::failed(async::Loop& loop, Stored stored, acme::Failure failure) {
  std::uint32_t random = 0;
  random_.fill({reinterpret_cast<std::uint8_t*>(&random), sizeof random});
  OrderRecord& record = stored.record;
  ++record.failures;
  const std::chrono::seconds pause = acme::pause_after(record.failures, failure, random / 4294967295.0);
  record.not_before = wall() + pause.count();
  record.problem = failure.why;
  measures_.orders.at(1).add();
  measures_.failures.set(record.failures);
  const std::string line = formatted("plugin/{}: {}: no certificate: {}; again in {} s", settings_.plugin,
                                     settings_.names.front(), failure.why, pause.count());
  const bool is_good = stored.issued && stored.issued->not_after > wall();
  const bool may_pass = !failure.refused && record.failures < kFaults;
  is_good || may_pass ? log::warning("{}", line) : log::error("{}", line);
  const auto keep = [this, &record] { return state_.keep(record); };
  const Result<> kept = co_await async::work(loop, keep);
  if (!kept) report(kept.error().text());
  co_return std::min<Milliseconds>(pause, kLookAgain);
}

// One of all servers with the same store at a time. 0: this one.
async::Task<Milliseconds> Keeper::admitted() {
  if (!store_.is_shared()) co_return 0ms;
  std::vector<forge::Allowance> allowances = {{"acme/" + settings_.stem(), 1, kOrderTime + 10s}};
  const auto wait = co_await store_.admit(std::move(allowances), wall() * 1000);
  if (!wait) co_return kLookAgain;
  co_return std::chrono::ceil<Milliseconds>(*wait);
}

async::Task<acme::Action> Keeper::issue(async::Loop& loop, Stored& stored) {
  const auto find_keys = [this, &stored] { return state_.keys(stored.record); };
  Result<Keys> keys = co_await async::work(loop, find_keys);
  if (!keys) co_return acme::Failure{keys.error().text()};
  std::optional<acme::ExternalAccount> external;
  if (!settings_.external_file.empty()) {
    const auto read = [this] { return state_.external(); };
    auto account = co_await async::work(loop, read);
    if (!account) co_return acme::Failure{account.error().text()};
    external = *std::move(account);
  }
  acme::Plan plan;
  plan.directory = settings_.directory;
  plan.names = settings_.names;
  plan.email = settings_.email;
  plan.profile = settings_.profile;
  if (stored.issued && stored.record.issued_by == settings_.directory) plan.replaces = stored.issued->renewal_id;
  if (external) plan.external = &*external;
  log::info("plugin/{}: {}: {} at {}", settings_.plugin, settings_.names.front(),
            keys->progress.order.empty() ? "asks for a certificate" : "goes on with an order", settings_.directory);
  co_return co_await issue(loop, *keys, std::move(plan), stored.record);
}

// Until there is a Chain, which is kept then, or a Failure.
async::Task<acme::Action> Keeper::issue(async::Loop& loop, Keys& keys, acme::Plan plan, OrderRecord& record) {
  http::Fetcher fetcher(loop, fetcher_settings());
  acme::Issuance issuance(keys.account, keys.certificate, std::move(plan), keys.progress);
  const auto keep = [this, &issuance, &record] { return state_.keep(issuance.progress(), record); };
  while (true) {
    acme::Action action = issuance.next();
    if (auto* const ask = std::get_if<acme::Ask>(&action)) {
      const Result<acme::Reply> reply = co_await send(fetcher, std::move(*ask));
      reply ? issuance.answered(*reply, wall()) : issuance.unanswered(reply.error().text());
      continue;
    }
    Result<> done;
    if (auto* const publication = std::get_if<acme::Publish>(&action)) {
      done = co_await publish(loop, std::move(*publication));
    } else if (std::holds_alternative<acme::Keep>(action)) {
      done = co_await async::work(loop, keep);
    } else if (const auto* const wait = std::get_if<acme::Wait>(&action)) {
      co_await async::sleep(loop, wait->time);
    } else if (const auto* const chain = std::get_if<acme::Chain>(&action)) {
      const auto keep_chain = [this, &keys, &record, chain] {
        return state_.keep(chain->pem, keys.certificate, record);
      };
      done = co_await async::work(loop, keep_chain);
      if (done) co_return action;
    } else {
      record.order = issuance.progress().order;
      co_return action;
    }
    if (!done) co_return acme::Failure{done.error().text()};
    issuance.done();
  }
}

// Done when every nameserver answers it.
async::Task<Result<>> Keeper::publish(async::Loop& loop, acme::Publish what) {
  const Result<acme::ChallengeKey> key = key_of(what.name);
  if (!key) co_return std::unexpected(key.error());
  std::string why;
  for (int i = 0; i < 20; ++i) {  // at a reload the store goes from one process to the next
    forge::Challenge challenge{*key, what.value};
    const auto put = co_await store_.put(challenge, wall() * 1000);
    if (put) co_return Result<>();
    why = to_string(put.error());
    if (put.error() == forge::ChallengeError::invalid) break;
    co_await async::sleep(loop, 500ms);
  }
  co_return fail("the challenge cannot be answered: {}", why);
}

http::Fetcher::Settings Keeper::fetcher_settings() const {
  http::Fetcher::Settings settings;
  settings.user_agent = "swage/" SWAGE_VERSION;
  settings.authorities = settings_.authorities;
  settings.most = 256 << 10;
  settings.reuse = true;
  settings.timeout = 20s;
  return settings;
}

async::Task<Result<acme::Reply>> Keeper::send(http::Fetcher& fetcher, acme::Ask ask) {
  http::Fetcher::Request request;
  request.url = std::move(ask.url);
  if (ask.body) request.fields.emplace_back("Content-Type: application/jose+json");
  request.body = std::move(ask.body);
  request.wanted = {"Replay-Nonce", "Location", "Retry-After"};
  Result<http::Fetcher::Fetched> fetched = co_await fetcher.send(std::move(request));
  if (!fetched) co_return std::unexpected(fetched.error());
  acme::Reply reply;
  reply.status = fetched->status;
  reply.body = std::move(fetched->body);
  reply.nonce = std::move(fetched->wanted[0]);
  reply.location = std::move(fetched->wanted[1]);
  reply.retry_after = std::move(fetched->wanted[2]);
  co_return reply;
}

}  // namespace swage::certificates
