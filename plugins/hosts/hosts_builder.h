// Collects the entries of hosts files and writes the image that queries are answered from (hosts_image.h). In the
// service process, and in every process for the entries of the Corefile.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "plugins/hosts/hosts_image.h"

namespace swage::plugins::hosts {

class HostsBuilder {
 public:
  // One more address of `name`, which is in lower case. A pair that is there already changes nothing. Wildcards are no
  // names of their addresses. Fails where there are 5 million entries already.
  [[nodiscard]] Result<> add(const IpAddress& address, dns::NameView name);

  // Puts what belongs together side by side. Call once, after the last add().
  void finish();

  // REQUIRES of all these: finish() was called.
  [[nodiscard]] std::size_t names() const { return names_; }
  [[nodiscard]] std::size_t entries() const { return entries_; }  // addresses of all names
  [[nodiscard]] std::size_t image_size() const { return shm::FlatMap::size_of(map_); }
  // `image` has image_size() bytes, all 0, and is aligned to 8.
  void write(MutableBytes image) const { shm::FlatMap::write(map_, image); }

 private:
  struct Pair {
    std::uint32_t name, address;  // places of their keys in keys_
  };
  struct Hashed {
    std::uint64_t hash;  // of the key
    std::uint32_t key, pair;
  };

  [[nodiscard]] std::string_view key(std::uint32_t place) const;
  [[nodiscard]] bool same_key(const Hashed& a, const Hashed& b) const;
  [[nodiscard]] std::vector<Hashed> sorted(std::uint32_t Pair::* by) const;
  void add_addresses(std::span<const Hashed> of_name);
  void add_names(std::span<const Hashed> of_address);

  std::vector<std::uint8_t> keys_;  // one after the other, as in the image
  std::vector<Pair> pairs_;         // in the order in which they came

  // After finish().
  std::size_t names_ = 0, entries_ = 0;
  std::vector<std::string_view> different_;  // of the name or address that is being added
  std::vector<std::uint8_t> values_;
  std::vector<shm::FlatMap::Entry> map_;
};

}  // namespace swage::plugins::hosts
