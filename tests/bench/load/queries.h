// Queries as wire bytes, made before the measurement starts so that making them costs nothing while it runs. The same
// arguments make the same queries in the same order: every server is asked the same.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/result.h"

namespace swage::bench {

// A list of queries, one behind the other in memory.
class Queries {
 public:
  // With `edns` every query carries an OPT record that offers 1232 bytes.
  explicit Queries(bool edns) : edns_(edns) {}

  // Adds a query of class IN with id 0. `name` in presentation format, without escapes; a trailing dot is optional.
  [[nodiscard]] Result<> add(std::string_view name, std::uint16_t type);
  void reserve(std::size_t count, std::size_t name_size);
  // Has those that are added from now on ask for recursion (RD).
  void desire_recursion() { recursion_ = true; }

  [[nodiscard]] std::size_t size() const { return ends_.size(); }
  // The whole packet; its first two bytes are the sender's to fill.
  [[nodiscard]] MutableBytes packet(std::size_t index);
  // The part behind the header that an answer must repeat.
  [[nodiscard]] Bytes question(std::size_t index) const;
  // Whether `answer` is a response to the very question, NOERROR, not truncated, with an answer. The id is the caller's
  // to compare. REQUIRES: it has a whole header.
  [[nodiscard]] bool answered_by(Bytes answer, std::size_t index) const;

 private:
  [[nodiscard]] std::size_t begin_of(std::size_t index) const { return index == 0 ? 0 : ends_[index - 1]; }

  bool edns_;
  bool recursion_ = false;
  std::vector<std::uint8_t> bytes_;
  std::vector<std::size_t> ends_;
};

// Which queries: see README.md.
struct Mix {
  enum class Kind : std::uint8_t { synth, zone, popular, challenges, file };
  Kind kind = Kind::synth;
  std::size_t names = 0;  // zone, popular: of the generated zone; challenges: peers
  std::string path;       // file
};

// `count` queries of a mix (a file is repeated until there are that many). Different seeds give different queries.
[[nodiscard]] Result<Queries> make_queries(const Mix& mix, std::size_t count, std::uint64_t seed, bool edns);

// Base36 of `bytes` as one big-endian number, lower case, with a 0 for each leading zero byte; without multibase
// prefix.
[[nodiscard]] std::string base36(Bytes bytes);
// The CIDv1 in base36 of an Ed25519 public key: 62 characters, k51….
// REQUIRES: `public_key` has 32 bytes.
[[nodiscard]] std::string peer_label(Bytes public_key);

// The public key of peer `index` of the mix of challenges: 32 bytes that nobody chose.
[[nodiscard]] std::array<std::uint8_t, 32> challenge_key(std::size_t index);

// The apex of the generated zone, and the first label of its name `index`.
inline constexpr std::string_view kZoneApex = "bench.example";
[[nodiscard]] std::string zone_label(std::size_t index);
// Writes the generated zone: SOA, NS with address, and `names` names with one A and one AAAA each.
[[nodiscard]] Result<> write_zone(std::size_t names, const std::string& path);

}  // namespace swage::bench
