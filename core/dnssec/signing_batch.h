// SigningBatch: RRsets on their way into a zone that is being signed: some thousands are collected, what has to be
// signed of them is signed on several threads, and all go to the zone's builder. So the memory that signing takes has a
// bound, whatever the zone's size. No I/O.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/dnssec/last_signed.h"
#include "core/dnssec/rrsig.h"
#include "core/dnssec/zone_keys.h"
#include "core/zone/builder.h"

namespace swage::dnssec {

class SigningBatch {
 public:
  struct Figures {
    std::size_t made = 0, kept = 0;  // signatures
    std::size_t records = 0;         // with signatures
    bool changed = false;            // some RRset, or its signatures, are not what they were; but for SOA and ZONEMD
  };

  // All of it outlives this. `now` in seconds since 1970. `threads`: at least 1.
  SigningBatch(const ZoneKeys& keys, const ValidityPolicy& validity, std::int64_t now, unsigned threads,
               zone::Builder& into);

  // Owner and data are valid until flush(). `before`: the RRset of the same name and type in the version that was
  // signed last; nullptr: there was none.
  void add_unsigned(const Rrset& rrset, const RrsetView* before);
  // The same with signatures by these keys (indexes of ZoneKeys::published), those of `before` where they are good.
  void add(const Rrset& rrset, std::span<const std::size_t> by, const LastSigned& last, const RrsetView* before);
  // A copy that is valid until flush().
  [[nodiscard]] Bytes copy(Bytes bytes);

  [[nodiscard]] bool is_full() const { return to_sign_.size() >= kMost || items_.size() >= kMost; }
  [[nodiscard]] Result<> flush();
  [[nodiscard]] const Figures& figures() const { return figures_; }

 private:
  static constexpr std::size_t kMost = 16384;
  static constexpr std::size_t kChunk = 1 << 18;  // bytes

  struct Item {
    dns::NameView owner;
    dns::Type type;
    std::uint32_t ttl;
    std::size_t first_data, data, first_signature, signatures;  // in data_ and signatures_
  };
  struct ToSign {
    std::size_t item, signature;  // in items_ and signatures_
    const Key* key;
    MutableBytes into;
  };

  Item& append(const Rrset& rrset, const RrsetView* before);
  [[nodiscard]] MutableBytes reserve(std::size_t size);
  [[nodiscard]] Result<> sign_all();
  [[nodiscard]] Result<> sign(const ToSign& each, RrsetSigner& signer);
  [[nodiscard]] static bool is_same(const Rrset& rrset, const RrsetView* before);

  const ZoneKeys& keys_;
  const ValidityPolicy& validity_;
  std::int64_t now_;
  unsigned threads_;
  zone::Builder& into_;
  Figures figures_;
  std::vector<Item> items_;
  std::vector<Bytes> data_, signatures_;
  std::vector<ToSign> to_sign_;
  std::vector<std::unique_ptr<std::uint8_t[]>> chunks_;  // what copy() and signatures take
  std::size_t used_ = kChunk;                            // of the last one
};

}  // namespace swage::dnssec
