#include "plugins/dnssec/signatures.h"

#include <sodium.h>

#include <algorithm>
#include <cstring>

#include "core/crypto/random.h"

namespace swage::plugins::dnssec {

using shm::AnswerKind;
using shm::AnswerTable;
using shm::AnswerTableWriter;
using swage::dnssec::RrsetSigner;
using swage::dnssec::Validity;

namespace {

constexpr std::size_t kUsualEntry = 192;  // bytes of a table, for a signature of 64 bytes
constexpr std::size_t kTimes = 8, kAfterTimes = 16;

AnswerTableWriter::Room room_for(std::size_t capacity) {
  const std::size_t bytes = capacity * kUsualEntry / 2;
  return {.success = bytes, .others = bytes};
}

}  // namespace

Signatures::Signatures(const Settings& settings) : settings_(settings), budget_(settings.budget) {}

std::size_t Signatures::table_size(std::size_t capacity) { return AnswerTableWriter::bytes_needed(room_for(capacity)); }

void Signatures::use(MutableBytes own, const std::vector<Bytes>& all) {
  all_ = &all;
  if (own.data() == own_.data()) return;
  own_ = own;
  AnswerTableWriter::Seed seed;
  crypto::SystemRandom().fill(seed);
  writer_ = own.empty() ? AnswerTableWriter() : AnswerTableWriter(own, room_for(settings_.capacity), seed);
}

Result<std::optional<Bytes>> Signatures::rrsig(const SigningKey& key, AnswerKind kind, const Moment& moment,
                                               dns::Arena& arena) {
  static_assert(crypto_shorthash_siphashx24_BYTES == std::tuple_size_v<Id> &&
                crypto_shorthash_siphashx24_KEYBYTES == sizeof key.hash_key);
  Id id;
  const Bytes records = signer_.records();
  crypto_shorthash_siphashx24(id.data(), records.data(), records.size(), key.hash_key.data());
  if (const auto found = find(id, key, kind, moment.now, arena)) {
    settings_.counts.hits.add();
    return found;
  }
  settings_.counts.misses.add();
  if (!budget_.has_any(moment.received) && !moment.may_wait) {
    settings_.counts.over_budget.add();
    return std::nullopt;
  }
  std::uint64_t jitter;
  std::memcpy(&jitter, id.data(), sizeof jitter);
  const MutableBytes made = arena.allocate(RrsetSigner::size(key.key));
  const std::int64_t begun = Budget::clock();
  TRY(const std::size_t size, signer_.sign(key.key, policy_.at(moment.now, jitter), made));
  budget_.spend(Budget::clock() - begun);
  settings_.counts.signatures.add();
  remember(id, kind, made.first(size));
  return made.first(size);
}

void Signatures::remember(const Id& id, AnswerKind kind, Bytes rrsig) {
  static_cast<void>(writer_.put(id, {.kind = kind}, rrsig));
}

std::optional<Bytes> Signatures::find(const Id& id, const SigningKey& key, AnswerKind kind, std::int64_t now,
                                      dns::Arena& arena) {
  if (const auto found = find_in(AnswerTable(own_), id, key, now, arena)) return found;
  if (all_ == nullptr) return std::nullopt;
  for (const Bytes memory : *all_) {
    if (memory.empty() || memory.data() == own_.data()) continue;
    const auto found = find_in(AnswerTable(memory), id, key, now, arena);
    if (!found) continue;
    remember(id, kind, *found);
    return found;
  }
  return std::nullopt;
}

std::optional<Bytes> Signatures::find_in(const AnswerTable& table, const Id& id, const SigningKey& key,
                                         std::int64_t now, dns::Arena& arena) const {
  MutableBytes rrsig;
  const auto found = table.find(id, [&](std::size_t size) { return rrsig = arena.allocate(size); });
  if (!found || rrsig.size() > RrsetSigner::size(key.key) || rrsig.size() <= kAfterTimes) return std::nullopt;
  std::array<std::uint8_t, 18 + dns::kMaxName> expected;
  const std::size_t head = signer_.write_head(key.key, {}, expected);
  if (rrsig.size() <= head || std::memcmp(rrsig.data(), expected.data(), kTimes) != 0 ||
      std::memcmp(&rrsig[kAfterTimes], &expected[kAfterTimes], head - kAfterTimes) != 0) {
    return std::nullopt;
  }
  if (!policy_.is_fresh(swage::dnssec::validity_of(rrsig, now), now)) return std::nullopt;
  return rrsig;
}

}  // namespace swage::plugins::dnssec
