// WKS: the well-known services of a host (RFC 1035 section 3.4.2), by number or by name.
#include "core/text.h"
#include "core/zonefile/rdata.h"

namespace swage::zonefile {
namespace {

// A number up to `most`, or one of the names.
bool parse_named(std::string_view text, std::span<const Mnemonic> names, unsigned most, unsigned& value) {
  if (const auto named = number_of(text, names)) {
    value = *named;
    return true;
  }
  return parse_number(text, value) && value <= most;
}

}  // namespace

OrFault<> parse_wks(RdataText& text) {
  TRY(text.ipv4());
  TRY(const Token protocol, text.take("a protocol"));
  unsigned number = 0;
  if (!parse_named(protocol.text, kProtocols, 255, number)) return text.not_a("a protocol, such as tcp or 6", protocol);
  text.rdata().push_back(static_cast<std::uint8_t>(number));
  const std::size_t start = text.rdata().size();
  while (!text.tokens().empty()) {
    TRY(const Token service, text.take("a service"));
    if (!parse_named(service.text, kServices, 65535, number))
      return text.not_a("a service, such as smtp or 25", service);
    const std::size_t byte = start + number / 8;
    if (text.rdata().size() <= byte) text.rdata().resize(byte + 1);
    text.rdata()[byte] = static_cast<std::uint8_t>(text.rdata()[byte] | 0x80U >> number % 8);
  }
  return {};
}

}  // namespace swage::zonefile
