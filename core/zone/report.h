// What is wrong or doubtful about a zone: with errors it is refused, with warnings it is
// served. Each has the file and the line of the entry that it is about. In the service process.
#pragma once

#include <array>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace swage::zone {

// Where an entry begins, of all the files of a zone: small enough to be kept with each record. 0: nowhere.
using Place = std::uint32_t;

enum class Warning : std::uint8_t {
  text,           // the text is taken otherwise than it may be meant
  outside,        // a record outside the zone
  ttl,            // a TTL that is not the one in force
  data,           // data that others may not understand
  no_ns,          // at the apex
  address,        // a server without an address, or whose name is an alias
  hidden,         // records that no answer shows
  chain,          // NSEC or NSEC3 records that deny existing data, or do not join
  unsigned_data,  // in a signed zone
  signature,      // out of its time
};
inline constexpr std::size_t kWarnings = 10;

class Report {
 public:
  static constexpr std::size_t kMaxErrors = 20;
  static constexpr std::size_t kMaxAlike = 5;  // warnings of a kind

  // `now` in seconds since 1970.
  explicit Report(std::int64_t now = std::time(nullptr)) : now_(now) {}

  [[nodiscard]] std::uint32_t now() const { return static_cast<std::uint32_t>(now_); }  // modulo 2^32, as in RRSIGs

  // All that was entered, in that order; some may stand several times.
  [[nodiscard]] const std::vector<std::string>& files() const { return files_; }

  // From now on lines are those of `file`, from `line` on.
  void enter(const std::string& file, unsigned line);
  // REQUIRES: `line` is not before that of enter().
  [[nodiscard]] Place place(unsigned line);

  // About the zone as a whole where `place` is 0.
  void refuse(Place place, std::string_view text);
  // `text()` says what; it is called for the first kMaxAlike of a kind only, the others are counted.
  template <typename Text>
  void warn(Warning kind, Place place, const Text& text) {
    Kind& of = kinds_[static_cast<std::size_t>(kind)];
    if (of.count++ < kMaxAlike) of.kept.emplace_back(place, text());
  }
  // True where there would be no end of errors.
  [[nodiscard]] bool is_full() const { return errors_.size() >= kMaxErrors; }

  // "FILE:LINE: what", in the order of the files.
  [[nodiscard]] const std::vector<std::string>& errors() const { return errors_; }
  [[nodiscard]] std::vector<std::string> warnings() const;
  [[nodiscard]] std::size_t warnings_of(Warning kind) const { return kinds_[static_cast<std::size_t>(kind)].count; }
  // The first error and how many there are besides. REQUIRES: there are some.
  [[nodiscard]] Error error() const;

 private:
  struct Stretch {  // of lines, one after the other
    Place first;
    unsigned file, line;
  };
  struct Kind {
    std::size_t count = 0;
    std::vector<std::pair<Place, std::string>> kept;
  };
  // "FILE:LINE: TEXT"
  [[nodiscard]] std::string located(Place place, std::string_view text) const;

  std::int64_t now_;
  std::vector<std::string> files_;
  std::vector<Stretch> stretches_;
  std::uint64_t next_ = 1;  // place
  std::vector<std::string> errors_;
  std::array<Kind, kWarnings> kinds_;
};

}  // namespace swage::zone
