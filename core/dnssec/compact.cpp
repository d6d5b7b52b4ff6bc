#include "core/dnssec/compact.h"

#include <algorithm>
#include <array>

namespace swage::dnssec {

using dns::kMaxLabel;
using dns::kMaxName;
using dns::Name;
using dns::NameView;
using dns::Type;

namespace {

// LOC is 29, CERT 37, SSHFP 44, IPSECKEY 45, SMIMEA 53, HIP 55, OPENPGPKEY 61, SPF 99, URI 256.
constexpr auto kUsualTypes =
    std::to_array<Type>({Type::a,  Type::ptr, Type::hinfo, Type::mx,   Type::txt,   Type::rp, Type::afsdb, Type::aaaa,
                         Type{29}, Type::srv, Type::naptr, Type::kx,   Type{37},    Type{44}, Type{45},    Type::tlsa,
                         Type{53}, Type{55},  Type{61},    Type::svcb, Type::https, Type{99}, Type{256},   Type::caa});

// Octets order as they are in lower case: none of A to Z stands for itself.
std::uint8_t next_octet(std::uint8_t octet) {
  return static_cast<std::uint8_t>(octet + 1 == 'A' ? 'Z' + 1 : octet + 1);
}

// `label` with one octet more after it, which leaves no room for another; or the next one of its size or less; nothing
// where all octets are the last.
Bytes next_label(Bytes label, bool has_room, std::array<std::uint8_t, kMaxLabel>& memory) {
  std::ranges::copy(label, memory.begin());
  if (has_room && label.size() < kMaxLabel) {
    memory[label.size()] = 0;
    return Bytes(memory).first(label.size() + 1);
  }
  std::size_t size = label.size();
  while (size > 0 && memory[size - 1] == 0xFF) --size;
  if (size > 0) memory[size - 1] = next_octet(memory[size - 1]);
  return Bytes(memory).first(size);
}

}  // namespace

Name successor(NameView name, NameView apex) {
  constexpr std::array<std::uint8_t, 1> kLeast = {0};
  const Name lowered = Name(name).lowercased();
  if (auto child = lowered.child(kLeast)) return *child;
  bool has_room = name.size() < kMaxName;
  for (NameView rest = lowered; rest != apex; rest = rest.parent()) {
    std::array<std::uint8_t, kMaxLabel> memory;
    const Bytes label = next_label(rest.first_label(), has_room, memory);
    if (!label.empty()) return *Name(rest.parent()).child(label);
    has_room = true;  // it is two octets shorter
  }
  return Name(apex).lowercased();
}

std::size_t nsec_room(std::span<const Type> types) {
  constexpr std::size_t kWindow = 2 + 32;  // bytes (RFC 4034 section 4.1.2)
  return kMaxName + kWindow * std::min<std::size_t>(types.size(), 256);
}

std::size_t write_nsec(NameView owner, NameView apex, std::vector<Type>& types, MutableBytes rdata) {
  std::ranges::sort(types);
  const auto rest = std::ranges::unique(types);
  types.erase(rest.begin(), rest.end());
  const Name next = successor(owner, apex);
  std::uint8_t* at = std::copy_n(next.data(), next.size(), rdata.data());
  for (std::size_t i = 0; i < types.size();) {
    const unsigned window = static_cast<unsigned>(types[i]) >> 8;
    std::array<std::uint8_t, 32> bits{};
    std::uint8_t size = 0;
    for (; i < types.size() && static_cast<unsigned>(types[i]) >> 8 == window; ++i) {
      const unsigned low = static_cast<unsigned>(types[i]) & 0xFF;
      bits[low / 8] = static_cast<std::uint8_t>(bits[low / 8] | 0x80U >> low % 8);
      size = static_cast<std::uint8_t>(low / 8 + 1);
    }
    *at++ = static_cast<std::uint8_t>(window);
    *at++ = size;
    at = std::copy_n(bits.begin(), size, at);
  }
  return static_cast<std::size_t>(at - rdata.data());
}

std::span<const Type> usual_types() { return kUsualTypes; }

}  // namespace swage::dnssec
