#include "core/upstream/opt.h"

#include "core/dns/name.h"
#include "core/dns/parse.h"
#include "core/dns/types.h"

namespace swage::upstream {
namespace {

constexpr std::size_t kFixed = 10;  // type, class, TTL, RDLENGTH

// The place after the name at `at`, compressed or not; 0 where it does not end.
std::size_t after_name(Bytes message, std::size_t at) {
  while (at < message.size()) {
    const std::uint8_t length = message[at];
    if (length >= 0xC0) return at + 2;
    if (length > dns::kMaxLabel) return 0;
    at += 1U + length;
    if (length == 0) return at;
  }
  return 0;
}

}  // namespace

std::optional<Bytes> Opt::option(std::uint16_t code) const {
  Bytes rest = options;
  while (rest.size() >= 4) {
    const std::size_t size = load_u16(&rest[2]);
    if (rest.size() - 4 < size) return std::nullopt;
    if (load_u16(rest.data()) == code) return rest.subspan(4, size);
    rest = rest.subspan(4 + size);
  }
  return std::nullopt;
}

std::optional<Opt> find_opt(Bytes message) {
  if (message.size() < dns::kHeaderSize) return std::nullopt;
  std::size_t at = dns::kHeaderSize;
  for (unsigned i = load_u16(&message[4]); i > 0; --i) {
    at = after_name(message, at);
    if (at == 0) return std::nullopt;
    at += 4;
  }
  const unsigned before = load_u16(&message[6]) + load_u16(&message[8]);
  const unsigned records = before + load_u16(&message[10]);
  for (unsigned i = 0; i < records; ++i) {
    at = after_name(message, at);
    if (at == 0 || at + kFixed > message.size()) return std::nullopt;
    const std::uint8_t* const fixed = &message[at];
    const std::size_t size = load_u16(fixed + 8);
    at += kFixed;
    if (message.size() - at < size) return std::nullopt;
    const bool is_opt = load_u16(fixed) == static_cast<std::uint16_t>(dns::Type::opt);
    if (i >= before && is_opt) return Opt{fixed[4], message.subspan(at, size)};
    at += size;
  }
  return std::nullopt;
}

}  // namespace swage::upstream
