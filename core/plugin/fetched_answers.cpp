#include "core/plugin/fetched_answers.h"

#include <algorithm>
#include <functional>
#include <optional>

#include "core/dns/rdata_check.h"
#include "core/dns/stored_answer.h"
#include "core/plugin/answers.h"
#include "core/plugin/cache_rules.h"

namespace swage {
namespace {

using shm::AnswerFacts;
using shm::AnswerKind;
using shm::AnswerTable;

constexpr std::uint8_t kDo = 1, kCd = 2, kFailure = 4, kNoRd = 8, kDenial = 16, kAttempt = 32;  // flags of a key
constexpr std::size_t kBeforeName = 3;                                                          // bytes of a key
constexpr std::int64_t kSecond = 1'000'000'000;                                                 // nanoseconds

static_assert(kBeforeName + dns::kMaxName <= Fetch::kMaxKey && Fetch::kMaxKey <= shm::answers::kMaxKey);

std::uint8_t flags_of(bool recursion_desired, bool dnssec_ok, bool checking_disabled) {
  return static_cast<std::uint8_t>((recursion_desired ? 0U : kNoRd) | (dnssec_ok ? kDo : 0U) |
                                   (checking_disabled ? kCd : 0U));
}

struct Stored {
  AnswerFacts facts;
  Bytes bytes;
};

std::optional<Stored> find(const AnswerTable& table, Bytes key, Response& response) {
  MutableBytes bytes;
  const auto facts = table.find(key, [&](std::size_t size) { return bytes = response.arena.allocate(size); });
  return facts ? std::optional(Stored{*facts, bytes}) : std::nullopt;
}

// An answer to one query, from what is stored, as Response::cache says.
class Answering {
 public:
  Answering(const Query& query, Response& response)
      : query_(query),
        response_(response),
        rules_(response.cache),
        server_(rules_ != nullptr && rules_->counts.server ? rules_->counts.server->index_of(query) : 0) {}

  [[nodiscard]] bool is_fresh(const AnswerFacts& facts) const {
    return is_for_it(facts) || (is_kept(facts) && left(facts) > 0);
  }
  // It may be told in place of what it takes time to fetch, or cannot be had.
  [[nodiscard]] bool may_be_stale(const AnswerFacts& facts) const {
    return rules_ != nullptr && rules_->stale != 0 && is_kept(facts) && left(facts) > -std::int64_t{rules_->stale};
  }
  [[nodiscard]] bool is_to_be_verified() const {
    return rules_->verify && response_.later.refusal == dns::Later::Refusal::none;
  }
  [[nodiscard]] std::chrono::milliseconds patience(const Fetch& fetch) const {
    return rules_->verify_time.count() == 0 ? fetch.time() : std::min(rules_->verify_time, fetch.time());
  }
  // That it could not be fetched, so short a time ago that it is not tried again.
  [[nodiscard]] bool has_failed(const AnswerTable& table, const FetchedKey& key) const {
    if (rules_->recheck == 0) return false;
    const std::optional<Stored> attempt = find(table, key.of_attempt().bytes(), response_);
    return attempt && query_.received - attempt->facts.stored < rules_->recheck * kSecond;
  }
  [[nodiscard]] bool prefers_positive() const { return rules_ != nullptr && rules_->prefer_positive; }

  // False where the memory is damaged.
  [[nodiscard]] bool tell_fresh(const Stored& stored, const Fetch& fetch, Bytes key) {
    if (!tell(stored, rules_ != nullptr && rules_->keep_ttl ? lifetime(stored.facts) : left(stored.facts)))
      return false;
    if (rules_ == nullptr || is_for_it(stored.facts)) return true;
    count_request();
    rules_->counts.hits.at(server_, stored.facts.kind == AnswerKind::success ? 0 : 1).add();
    if (stored.facts.kind == AnswerKind::failure) {
      add_extended_error(response_, dns::ExtendedError::cached_error);
    } else if (is_wanted_soon(stored.facts, key)) {
      rules_->counts.prefetches.at(server_).add();
      fetch.ahead(response_, key);
    }
    return true;
  }
  // `again`: it is fetched meanwhile.
  [[nodiscard]] bool tell_stale(const Stored& stored, const Fetch& fetch, Bytes key, bool again) {
    if (!tell(stored, rules_->stale_ttl)) return false;
    count_request();
    rules_->counts.hits.at(server_, stored.facts.kind == AnswerKind::success ? 0 : 1).add();
    rules_->counts.stale.at(server_).add();
    add_extended_error(response_, dns::ExtendedError::stale_answer);
    if (again && (!rules_->verify || response_.later.refusal == dns::Later::Refusal::late)) {
      rules_->counts.prefetches.at(server_).add();
      fetch.ahead(response_, key);
    }
    return true;
  }
  void count_miss() const {
    if (rules_ == nullptr) return;
    count_request();
    rules_->counts.misses.at(server_).add();
  }

 private:
  // Once: one that has waited, for what came or in vain, was counted when it began to.
  void count_request() const {
    using Refusal = dns::Later::Refusal;
    const Refusal refusal = response_.later.refusal;
    if (refusal == Refusal::none || refusal == Refusal::no_room) rules_->counts.requests.at(server_).add();
  }
  // Whatever was stored since the query came was fetched for it, too.
  [[nodiscard]] bool is_for_it(const AnswerFacts& facts) const { return facts.stored >= query_.received; }

  [[nodiscard]] bool is_kept(const AnswerFacts& facts) const {
    if (rules_ == nullptr) return false;
    return (facts.kind == AnswerKind::success ? rules_->success : rules_->denial).kept;
  }
  [[nodiscard]] std::uint32_t lifetime(const AnswerFacts& facts) const {
    if (rules_ == nullptr) return 0;
    if (facts.kind == AnswerKind::failure) return std::min(facts.ttl, rules_->failure);
    return (facts.kind == AnswerKind::success ? rules_->success : rules_->denial).of(facts.ttl);
  }
  // Seconds; negative where it is too old.
  [[nodiscard]] std::int64_t left(const AnswerFacts& facts) const {
    const std::int64_t age = is_for_it(facts) ? 0 : query_.received - facts.stored;
    return lifetime(facts) - age / kSecond;
  }
  [[nodiscard]] bool is_wanted_soon(const AnswerFacts& facts, Bytes key) const {
    if (rules_->prefetch_amount == 0) return false;
    const std::uint32_t asked = rules_->popularity->count(key, query_.received, rules_->prefetch_gap);
    const std::uint64_t last = (std::uint64_t{lifetime(facts)} * rules_->prefetch_percentage + 99) / 100;
    return asked >= rules_->prefetch_amount && static_cast<std::uint64_t>(left(facts)) <= last;
  }

  // As in CoreDNS, all records have the same TTL, the least.
  [[nodiscard]] bool tell(const Stored& stored, std::int64_t ttl) {
    if (!dns::load(stored.bytes, query_, response_)) {
      response_.clear_answer();
      return false;
    }
    if (rules_ == nullptr) return true;
    for (auto* section : {&response_.answer, &response_.authority, &response_.additional}) {
      for (dns::Record& record : *section) record.ttl = static_cast<std::uint32_t>(ttl);
    }
    return true;
  }

  const Query& query_;
  Response& response_;
  const CacheRules* rules_;
  std::size_t server_;
};

// What was found by recursion is as good for a client that does not desire it; never the other way round.
[[gnu::noinline]] bool tell_of_recursion(const Fetch& fetch, const AnswerTable& table, const FetchedKey& key,
                                         Answering& answering, Response& response) {
  const FetchedKey better = key.of_recursion();
  const std::optional<Stored> answer = find(table, better.bytes(), response);
  return answer && answering.is_fresh(answer->facts) && answering.tell_fresh(*answer, fetch, better.bytes());
}

// Where there is no fresh `answer`. Not inlined, so that what is found in memory does not pay for it.
[[gnu::noinline]] Result<Outcome> serve_otherwise(const Fetch& fetch, const AnswerTable& table, const FetchedKey& key,
                                                  Answering& answering, const std::optional<Stored>& answer,
                                                  Response& response) {
  // With prefer_positive, what was said since the answer: it lies beside it.
  const std::optional<Stored> denial =
      answering.prefers_positive() ? find(table, key.of_denial().bytes(), response) : std::nullopt;
  const std::optional<Stored> failure = find(table, key.of_failure().bytes(), response);
  const bool denies = denial && answering.is_fresh(denial->facts);
  const bool fails = failure && answering.is_fresh(failure->facts);
  const Stored* const old = answer && answering.may_be_stale(answer->facts)              ? &*answer
                            : denial && !denies && answering.may_be_stale(denial->facts) ? &*denial
                                                                                         : nullptr;
  if (old != nullptr) {
    const bool has_failed = answering.has_failed(table, key);
    const bool is_time = fails || denies || has_failed || !answering.is_to_be_verified();
    if (is_time && answering.tell_stale(*old, fetch, key.bytes(), !has_failed)) return Outcome::send;
  }
  if (denies && answering.tell_fresh(*denial, fetch, key.bytes())) return Outcome::send;
  if (fails && answering.tell_fresh(*failure, fetch, key.bytes())) return Outcome::send;
  Result<Outcome> later = fetch.later(response, key.bytes(), old != nullptr ? answering.patience(fetch) : fetch.time());
  if (later) answering.count_miss();
  return later;
}

}  // namespace

FetchedQuestion FetchedQuestion::of(const Query& query) {
  return {query.key, query.qtype, query.recursion_desired, query.edns.dnssec_ok, query.checking_disabled};
}

Result<FetchedQuestion> FetchedQuestion::read(std::string_view key) {
  const Bytes bytes = as_bytes(key);
  const std::size_t size = bytes.size() > kBeforeName ? dns::name_size_on_wire(bytes.subspan(kBeforeName)) : 0;
  if (size == 0 || size != bytes.size() - kBeforeName || (bytes[0] & ~(kDo | kCd | kNoRd)) != 0) {
    return fail("the key is not that of a question");
  }
  return FetchedQuestion{dns::NameView(&bytes[kBeforeName], size), static_cast<dns::Type>(load_u16(&bytes[1])),
                         (bytes[0] & kNoRd) == 0, (bytes[0] & kDo) != 0, (bytes[0] & kCd) != 0};
}

FetchedKey::FetchedKey(const Query& query)
    : FetchedKey(query.key, query.qtype,
                 flags_of(query.recursion_desired, query.edns.dnssec_ok, query.checking_disabled)) {}

FetchedKey::FetchedKey(const FetchedQuestion& question)
    : FetchedKey(question.name, question.type,
                 flags_of(question.recursion_desired, question.dnssec_ok, question.checking_disabled)) {}

FetchedKey::FetchedKey(dns::NameView name, dns::Type type, std::uint8_t flags) : size_(kBeforeName + name.size()) {
  bytes_[0] = flags;
  store_u16(&bytes_[1], static_cast<std::uint16_t>(type));
  std::ranges::copy(name.bytes(), &bytes_[kBeforeName]);
}

FetchedKey FetchedKey::with(std::uint8_t flag) const {
  FetchedKey key = *this;
  key.bytes_[0] |= flag;
  return key;
}

FetchedKey FetchedKey::of_failure() const { return with(kFailure); }
FetchedKey FetchedKey::of_denial() const { return with(kDenial); }
FetchedKey FetchedKey::of_attempt() const { return with(kAttempt); }

FetchedKey FetchedKey::of_recursion() const {
  FetchedKey key = *this;
  key.bytes_[0] &= static_cast<std::uint8_t>(~kNoRd);
  return key;
}

Result<Outcome> FetchedAnswers::serve(const Query& query, Response& response) const {
  const FetchedKey key(query);
  const AnswerTable table(memory_.bytes());
  Answering answering(query, response);
  if (!query.recursion_desired && tell_of_recursion(fetch_, table, key, answering, response)) return Outcome::send;
  const std::optional<Stored> answer = find(table, key.bytes(), response);
  if (answer && answering.is_fresh(answer->facts) && answering.tell_fresh(*answer, fetch_, key.bytes())) {
    return Outcome::send;
  }
  return serve_otherwise(fetch_, table, key, answering, answer, response);
}

Result<> AnswerStore::prepare() {
  const shm::AnswerTableWriter::Room room{room_.success, room_.others};
  TRY(shm::Segment segment, shm::Segment::create("swage answers", shm::AnswerTableWriter::bytes_needed(room)));
  writer_ = shm::AnswerTableWriter(segment.writable_bytes(), room, seed_);
  writer_.take_over(AnswerTable(memory_.bytes()));
  for (std::size_t ring = 0; ring < counted_.size(); ++ring)
    counted_[ring].evictions = writer_.counts()[ring].evictions;
  count();
  return memory_.provide(std::move(segment));
}

Result<> AnswerStore::put(std::string_view key, const Response& received, std::int64_t now) {
  TRY(const FetchedQuestion question, FetchedQuestion::read(key));
  TRY(const dns::StoredAnswer stored, dns::store(received, question.name));
  const auto kind = static_cast<AnswerKind>(stored.kind);
  const FetchedKey plain(question);
  const bool is_beside = kind == AnswerKind::denial && room_.keeps_positive;
  const FetchedKey place = kind == AnswerKind::failure ? plain.of_failure() : is_beside ? plain.of_denial() : plain;
  if (!writer_.put(place.bytes(), {.stored = now, .ttl = stored.ttl, .kind = kind}, stored.bytes)) {
    return fail("there is no memory for answers");
  }
  count();
  return {};
}

Result<> AnswerStore::put_attempt(std::string_view key, std::int64_t now) {
  if (!room_.keeps_attempts) return {};
  TRY(const FetchedQuestion question, FetchedQuestion::read(key));
  const FetchedKey place = FetchedKey(question).of_attempt();
  if (!writer_.put(place.bytes(), {.stored = now, .ttl = 0, .kind = AnswerKind::failure}, {})) {
    return fail("there is no memory for answers");
  }
  count();
  return {};
}

std::size_t AnswerStore::forget(dns::NameView zone) {
  const std::size_t removed = writer_.remove([zone](Bytes key) {
    return key.size() > kBeforeName && dns::NameView(key.data() + kBeforeName, key.size() - kBeforeName).is_under(zone);
  });
  count();
  return removed;
}

// Several stores may count together.
void AnswerStore::count() {
  for (std::size_t ring = 0; ring < counted_.size(); ++ring) {
    const shm::AnswerTableWriter::Counts& now = writer_.counts()[ring];
    shm::AnswerTableWriter::Counts& before = counted_[ring];
    room_.counts.entries[ring].add(static_cast<double>(now.entries) - static_cast<double>(before.entries));
    room_.counts.evictions[ring].add(now.evictions - before.evictions);
    before = now;
  }
}

}  // namespace swage
