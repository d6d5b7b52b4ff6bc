#include "core/update/journal.h"

#include <algorithm>

#include "core/dns/rdata_check.h"
#include "core/zone/all_records.h"

namespace swage::update {
namespace {

constexpr std::string_view kMagic = "swagejnl";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kChecksum = 8, kEntryHead = 4 + kChecksum, kEntryFixed = 8 + 32 + 4 + 4;
constexpr std::size_t kRecordFixed = 2 + 4 + 2;
constexpr std::size_t kChunk = 64 << 10;  // bytes that are hashed at a time

using Buffer = std::vector<std::uint8_t>;

void append(Buffer& to, Bytes bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

void append_u32(Buffer& to, std::uint32_t value) {
  to.resize(to.size() + 4);
  store_u32(&to[to.size() - 4], value);
}

void append_record(Buffer& to, dns::NameView owner, dns::Type type, std::uint32_t ttl, Bytes rdata) {
  append(to, owner.bytes());
  std::array<std::uint8_t, kRecordFixed> fixed;
  store_u16(fixed.data(), static_cast<std::uint16_t>(type));
  store_u32(&fixed[2], ttl);
  store_u16(&fixed[6], static_cast<std::uint16_t>(rdata.size()));
  append(to, fixed);
  append(to, rdata);
}

Buffer record_bytes(const Change& change) {
  Buffer bytes;
  append_record(bytes, change.owner, change.type, change.ttl, change.rdata);
  return bytes;
}

// Takes a record off the front of `from`.
Result<Change> take_record(Bytes& from) {
  const std::size_t name = dns::name_size_on_wire(from);
  if (name == 0 || from.size() < name + kRecordFixed) return fail("a record is cut short");
  const std::uint8_t* const fixed = &from[name];
  const std::size_t size = load_u16(fixed + 6);
  if (from.size() - name - kRecordFixed < size) return fail("a record is cut short");
  const Bytes rdata = from.subspan(name + kRecordFixed, size);
  Change change{dns::NameView(from.data(), name), dns::Type{load_u16(fixed)}, load_u32(fixed + 2), {}};
  change.rdata.assign(rdata.begin(), rdata.end());
  from = from.subspan(name + kRecordFixed + size);
  return change;
}

Result<JournalEntry> read_entry(Bytes payload) {
  if (payload.size() < kEntryFixed) return fail("an entry is too short");
  JournalEntry entry;
  entry.time = static_cast<std::int64_t>(std::uint64_t{load_u32(payload.data())} << 32 | load_u32(&payload[4]));
  std::copy_n(&payload[8], entry.request.size(), entry.request.begin());
  const std::uint32_t removed = load_u32(&payload[40]), added = load_u32(&payload[44]);
  Bytes rest = payload.subspan(kEntryFixed);
  for (std::uint32_t i = 0; i < removed; ++i) {
    TRY(Change change, take_record(rest));
    entry.changes.removed.push_back(std::move(change));
  }
  for (std::uint32_t i = 0; i < added; ++i) {
    TRY(Change change, take_record(rest));
    entry.changes.added.push_back(std::move(change));
  }
  if (!rest.empty()) return fail("an entry has bytes after its records");
  return entry;
}

bool has_checksum(Bytes at, Bytes of) {
  return std::equal(at.begin(), at.begin() + kChecksum, crypto::sha256(of).begin());
}

}  // namespace

crypto::Digest zone_digest(Bytes image) {
  crypto::Digest digest{};
  Buffer chunk;
  zone::AllRecords records(image);
  while (const auto record = records.next()) {
    append_record(chunk, record->owner, record->type, record->ttl, record->rdata);
    if (chunk.size() < kChunk) continue;
    digest = crypto::sha256({digest, chunk});
    chunk.clear();
  }
  return crypto::sha256({digest, chunk});
}

std::vector<std::uint8_t> write_start(const JournalStart& start) {
  Buffer bytes;
  append(bytes, as_bytes(kMagic));
  append_u32(bytes, kVersion);
  append(bytes, start.zone);
  append_u32(bytes, start.serial);
  const crypto::Digest digest = crypto::sha256(bytes);
  append(bytes, Bytes(digest).first(kChecksum));
  return bytes;
}

Result<JournalStart> read_start(Bytes journal) {
  if (journal.size() < kJournalStart || as_text(journal.first(kMagic.size())) != kMagic) {
    return fail("not a journal of swage's");
  }
  const std::uint32_t version = load_u32(&journal[8]);
  if (version != kVersion) return fail("a journal of version {}, not {}", version, kVersion);
  constexpr std::size_t kSummed = kJournalStart - kChecksum;
  if (!has_checksum(journal.subspan(kSummed), journal.first(kSummed))) return fail("its beginning is damaged");
  JournalStart start{{}, load_u32(&journal[44])};
  std::copy_n(&journal[12], start.zone.size(), start.zone.begin());
  return start;
}

void append_entry(const JournalEntry& entry, std::vector<std::uint8_t>& to) {
  Buffer payload;
  append_u32(payload, static_cast<std::uint32_t>(static_cast<std::uint64_t>(entry.time) >> 32));
  append_u32(payload, static_cast<std::uint32_t>(entry.time));
  append(payload, entry.request);
  append_u32(payload, static_cast<std::uint32_t>(entry.changes.removed.size()));
  append_u32(payload, static_cast<std::uint32_t>(entry.changes.added.size()));
  for (const auto* const changes : {&entry.changes.removed, &entry.changes.added}) {
    for (const Change& each : *changes) append(payload, record_bytes(each));
  }
  append_u32(to, static_cast<std::uint32_t>(payload.size()));
  const crypto::Digest digest = crypto::sha256(payload);
  append(to, Bytes(digest).first(kChecksum));
  append(to, payload);
}

Result<std::size_t> read_entries(Bytes journal, const std::function<Result<>(JournalEntry)>& take) {
  std::size_t at = kJournalStart;
  while (journal.size() >= at + kEntryHead) {
    const Bytes head = journal.subspan(at, kEntryHead);
    const std::size_t size = load_u32(head.data());
    if (journal.size() - at - kEntryHead < size) break;
    const Bytes payload = journal.subspan(at + kEntryHead, size);
    if (!has_checksum(head.subspan(4), payload)) break;
    TRY(JournalEntry entry, read_entry(payload));
    TRY(take(std::move(entry)));
    at += kEntryHead + size;
  }
  return std::min(at, journal.size());
}

void NetChanges::add(const Changes& changes) {
  const auto count = [this](const std::vector<Change>& records, int by) {
    for (const Change& each : records) {
      const auto found = count_.try_emplace(record_bytes(each), 0).first;
      found->second += by;
      if (found->second == 0) count_.erase(found);
    }
  };
  count(changes.removed, -1);
  count(changes.added, 1);
}

Changes NetChanges::changes() const {
  Changes changes;
  for (const auto& [bytes, count] : count_) {
    Bytes rest = bytes;
    const Result<Change> change = take_record(rest);
    CHECK(change.has_value());
    (count < 0 ? changes.removed : changes.added).push_back(*change);
  }
  return changes;
}

}  // namespace swage::update
