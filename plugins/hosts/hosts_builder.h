// Collects the entries of hosts files and writes the image that queries are answered from (hosts_image.h). In the
// service process, and in every process for the entries of the Corefile.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "plugins/hosts/hosts_image.h"

namespace swage::plugins::hosts {

class HostsBuilder {
 public:
  // One more address of `name`, which is in lower case. A pair that is there already changes nothing. Wildcards are no
  // names of their addresses. Fails where there are 5 million entries already.
  [[nodiscard]] Result<> add(const IpAddress& address, dns::NameView name);

  // Puts what belongs together side by side. Call once, after the last add().
  void finish();

  [[nodiscard]] std::size_t image_size() const { return size_; }  // REQUIRES: finish() was called
  // REQUIRES: finish() was called; `image` has image_size() bytes, all 0, and is aligned to 8.
  void write(MutableBytes image) const;

 private:
  // Numbers different values in the order in which they came, by their hashes.
  class Numbers {
   public:
    // `equals(number)`: whether the value with that number is the one looked for. Returns its number, or the next free
    // one, which it then has.
    template <typename Equals>
    std::uint32_t number(std::uint64_t hash, Equals equals);
    [[nodiscard]] std::uint32_t count() const { return static_cast<std::uint32_t>(hashes_.size()); }
    [[nodiscard]] std::uint64_t hash(std::uint32_t number) const { return hashes_[number]; }

   private:
    void grow();
    std::vector<std::uint64_t> hashes_;
    std::vector<std::uint32_t> slots_;  // 1 + number; 0: free
  };

  struct Pair {
    std::uint32_t name, address;
  };
  // The pairs of one name, or of one address, in the order of the file: pairs_of[starts[i] .. starts[i + 1]).
  struct Groups {
    std::vector<std::uint32_t> starts, members;
    [[nodiscard]] std::span<const std::uint32_t> of(std::uint32_t number) const {
      return std::span(members).subspan(starts[number], starts[number + 1] - starts[number]);
    }
  };

  [[nodiscard]] dns::NameView name(std::uint32_t number) const;
  [[nodiscard]] Groups group(std::uint32_t count, bool by_name) const;
  [[nodiscard]] std::size_t node_size(std::uint32_t name) const;
  template <typename T>
  void write_slots(MutableBytes image, Ref at, std::uint32_t slots, const Numbers& numbers, const T& refs) const;

  std::vector<std::uint8_t> name_bytes_;
  std::vector<std::uint32_t> name_starts_{0};  // of each name, and the end of the last, in units of kUnit
  std::vector<IpAddress> address_values_;
  Numbers names_, addresses_;
  std::vector<Pair> pairs_;

  // After finish().
  Groups addresses_of_, names_of_;
  std::vector<Ref> name_refs_, address_refs_;
  Header header_{};
  std::size_t size_ = 0;
};

}  // namespace swage::plugins::hosts
