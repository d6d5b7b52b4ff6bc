#include "core/zone/records.h"

#include <algorithm>
#include <numeric>

#include "core/result.h"
#include "core/zone/canonical_key.h"

namespace swage::zone {
namespace {

// The canonical keys of many names, one after another.
class SortKeys {
 public:
  explicit SortKeys(std::size_t count) { starts_.reserve(count + 1); }

  void add(dns::NameView name, std::size_t apex_size) {
    starts_.push_back(static_cast<std::uint32_t>(bytes_.size()));
    const CanonicalKey key(name, apex_size);
    bytes_.insert(bytes_.end(), key.bytes().begin(), key.bytes().end());
    CHECK(bytes_.size() < UINT32_MAX);
  }
  void finish() { starts_.push_back(static_cast<std::uint32_t>(bytes_.size())); }

  // The 8 bytes of a key from `depth` on, as a number; after its end there are zeros.
  [[nodiscard]] std::uint64_t word(std::size_t key, std::size_t depth) const {
    std::uint64_t value = 0;
    const std::size_t start = starts_[key] + depth;
    if (start < starts_[key + 1])
      std::memcpy(&value, &bytes_[start], std::min<std::size_t>(8, starts_[key + 1] - start));
    return __builtin_bswap64(value);
  }
  [[nodiscard]] bool in_order() const {
    for (std::size_t key = 1; key + 1 < starts_.size(); ++key) {
      if (bytes(key) < bytes(key - 1)) return false;
    }
    return true;
  }

 private:
  [[nodiscard]] std::string_view bytes(std::size_t key) const {
    return as_text({bytes_.data() + starts_[key], bytes_.data() + starts_[key + 1]});
  }

  std::vector<std::uint8_t> bytes_;
  std::vector<std::uint32_t> starts_;
};

struct SortItem {
  std::uint64_t word;
  std::uint32_t key;
  bool operator<(const SortItem& other) const { return word != other.word ? word < other.word : key < other.key; }
};

// By 8 bytes at a time: numbers are compared, and where those are equal the next 8 bytes decide. Four times as fast as
// to compare names, for a million of them.
void sort_from(const SortKeys& keys, std::span<SortItem> items, std::size_t depth) {
  for (SortItem& item : items) item.word = keys.word(item.key, depth);
  std::sort(items.begin(), items.end());
  for (std::size_t start = 0; start < items.size();) {
    std::size_t end = start + 1;
    while (end < items.size() && items[end].word == items[start].word) ++end;
    // A word of zeros means that all of these keys have ended.
    if (end - start > 1 && items[start].word != 0) sort_from(keys, items.subspan(start, end - start), depth + 8);
    start = end;
  }
}

}  // namespace

void RecordStore::add(dns::NameView owner, dns::Type type, std::uint32_t ttl, Bytes rdata, Place place) {
  std::uint8_t* at = nullptr;
  if (runs_.empty() || name(runs_.back().owner) != owner) {
    const Ref name = allocate(1 + owner.size(), at);
    at[0] = static_cast<std::uint8_t>(owner.size());
    std::copy_n(owner.data(), owner.size(), at + 1);
    runs_.push_back({name, static_cast<std::uint32_t>(records_.size())});
  }
  const Record header{ttl, place, type, static_cast<std::uint16_t>(rdata.size())};
  records_.push_back(allocate(sizeof header + rdata.size(), at));
  std::memcpy(at, &header, sizeof header);
  std::copy(rdata.begin(), rdata.end(), at + sizeof header);
}

RecordStore::Ref RecordStore::allocate(std::size_t size, std::uint8_t*& at) {
  const std::size_t rounded = (size + kUnit - 1) / kUnit * kUnit;
  if (used_ + rounded > kChunk) {
    chunks_.push_back(std::make_unique_for_overwrite<std::uint8_t[]>(kChunk));
    used_ = 0;
  }
  at = chunks_.back().get() + used_;
  const std::size_t place = (chunks_.size() - 1) * kChunk + used_;
  used_ += rounded;
  return static_cast<Ref>(place / kUnit);
}

std::vector<std::uint32_t> RecordStore::canonical_order(dns::NameView apex) const {
  SortKeys keys(runs_.size());
  for (const Run& run : runs_) keys.add(name(run.owner), apex.size());
  keys.finish();
  std::vector<std::uint32_t> order(runs_.size());
  std::iota(order.begin(), order.end(), 0U);
  if (keys.in_order()) return order;
  std::vector<SortItem> items(runs_.size());
  for (std::uint32_t i = 0; i < items.size(); ++i) items[i] = {0, i};
  sort_from(keys, items, 0);
  std::transform(items.begin(), items.end(), order.begin(), [](const SortItem& item) { return item.key; });
  return order;
}

void RecordStore::forget_runs() {
  runs_ = {};
  records_ = {};
}

}  // namespace swage::zone
