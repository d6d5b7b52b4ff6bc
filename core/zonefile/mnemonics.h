// Numbers that zone files may write as words. Internal to core/zonefile.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace swage::zonefile {

struct Mnemonic {
  std::string_view name;  // does not begin with a digit
  std::uint16_t number;
};

extern const std::span<const Mnemonic> kAlgorithms;        // of DNSSEC
extern const std::span<const Mnemonic> kCertificateTypes;  // of CERT (RFC 4398 section 2.1)
extern const std::span<const Mnemonic> kDsyncSchemes;      // RFC 9859 section 2.1
extern const std::span<const Mnemonic> kProtocols;         // of WKS (RFC 1035 section 3.4.2)
extern const std::span<const Mnemonic> kServices;

// In any case.
[[nodiscard]] std::optional<std::uint16_t> number_of(std::string_view text, std::span<const Mnemonic> mnemonics);

}  // namespace swage::zonefile
