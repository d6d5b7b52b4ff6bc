// Types that hardly anybody uses, and that a parser gets wrong for that reason.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "core/counted.h"
#include "core/dns/rdata_rules.h"
#include "core/text.h"

namespace swage::dns {
namespace {

// Decimal, with or without a sign and a fraction.
std::optional<double> decimal(std::string_view text) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), value, std::chars_format::fixed);
  return error == std::errc() && end == text.end() && std::isfinite(value) ? std::optional(value) : std::nullopt;
}

// A mantissa and a power of ten (RFC 1876 section 2).
bool is_precision(std::uint8_t value) {
  return value == 0 || (value >> 4 >= 1 && value >> 4 <= 9 && (value & 0xF) <= 9);
}

// Thousandths of a second of arc, from 2^31.
bool is_angle(std::uint32_t value, std::uint32_t degrees) {
  constexpr std::uint32_t kZero = 1U << 31;
  return value >= kZero - degrees * 3'600'000 && value <= kZero + degrees * 3'600'000;
}

}  // namespace

// RFC 1035 sections 3.3.4 and 3.3.5.
Result<std::string_view> check_obsolete(Bytes) { return "obsolete: use MX records"; }

// RFC 8777 section 4.2.3.
Result<std::string_view> check_amtrelay(Bytes rdata) {
  if ((rdata[1] & 0x7F) > 3) return "relay type: not known";
  return {};
}

// RFC 1035 section 3.4.2: a bit for each port.
Result<std::string_view> check_wks(Bytes rdata) {
  if (rdata.size() > 5 + 65536 / 8) return fail("services: more than 65536");
  if (rdata.size() > 5 && rdata.back() == 0) return fail("services: the bitmap ends with zeros");
  return {};
}

// RFC 1183 section 3.1; X.121 numbers have at least the four digits of the network.
Result<std::string_view> check_x25(Bytes rdata) {
  if (rdata[0] < 4 || !is_decimal(as_text(rdata.subspan(1)))) return fail("address: expected 4 digits or more");
  return {};
}

Result<std::string_view> check_isdn(Bytes rdata) {
  const Bytes address = rdata.subspan(1, rdata[0]);
  if (!is_decimal(as_text(address))) return "address: not a number of E.164";
  return {};
}

// RFC 1712 section 3, whose own example has longitude and latitude the wrong way round.
Result<std::string_view> check_gpos(Bytes rdata) {
  const std::size_t second = 1U + rdata[0];
  const std::size_t third = second + 1 + rdata[second];
  const auto number = [&](std::size_t at) { return decimal(as_text(rdata.subspan(at + 1, rdata[at]))); };
  const auto longitude = number(0);
  const auto latitude = number(second);
  if (!longitude) return fail("longitude: expected degrees");
  if (!latitude) return fail("latitude: expected degrees");
  if (!number(third)) return fail("altitude: expected metres");
  if (std::abs(*longitude) > 180) return "longitude: not from -180 to 180 degrees";
  if (std::abs(*latitude) > 90) return "latitude: not from -90 to 90 degrees";
  return {};
}

Result<std::string_view> check_loc(Bytes rdata) {
  if (rdata[0] != 0) return "version: only 0 is defined";
  if (!is_precision(rdata[1])) return fail("size: not a digit and a power of ten");
  if (!is_precision(rdata[2])) return fail("horizontal precision: not a digit and a power of ten");
  if (!is_precision(rdata[3])) return fail("vertical precision: not a digit and a power of ten");
  if (!is_angle(load_u32(&rdata[4]), 90)) return fail("latitude: more than 90 degrees");
  if (!is_angle(load_u32(&rdata[8]), 180)) return fail("longitude: more than 180 degrees");
  return {};
}

// ATM Forum af-dans-0152: an AESA of 20 bytes, or digits of E.164.
Result<std::string_view> check_atma(Bytes rdata) {
  const Bytes address = rdata.subspan(1);
  if (address.empty()) return fail("address: missing");
  if (rdata[0] == 0 && address.size() != 20) return "address: not an AESA of 20 bytes";
  if (rdata[0] == 1 && !is_decimal(as_text(address))) return fail("address: expected digits");
  return {};
}

// RFC 2874 section 3.1.
Result<std::string_view> check_a6(Bytes rdata) {
  const unsigned prefix = rdata[0];
  if (prefix > 128) return fail("prefix length: more than 128");
  const std::size_t size = (128 - prefix + 7) / 8;
  if (rdata.size() < 1 + size) return fail("address: cut short");
  if (prefix % 8 != 0 && rdata[1] >> (8 - prefix % 8) != 0) return fail("address: bits of the prefix are set");
  const Bytes name = rdata.subspan(1 + size);
  if (prefix == 0 ? !name.empty() : name.empty() || name_size_on_wire(name) != name.size()) {
    return fail("prefix name: {}", prefix == 0 ? "the prefix length is 0" : "not an uncompressed domain name");
  }
  return {};
}

// RFC 3123 section 4.
Result<std::string_view> check_apl(Bytes rdata) {
  while (!rdata.empty()) {
    if (rdata.size() < 4) return fail("prefixes: cut short");
    const unsigned family = load_u16(rdata.data());
    const std::size_t size = rdata[3] & 0x7FU;
    if (rdata.size() < 4 + size) return fail("prefixes: cut short");
    const Bytes address = rdata.subspan(4, size);
    const std::size_t most = family == 1 ? 4 : family == 2 ? 16 : 127;
    if (size > most || (family <= 2 && rdata[2] > 8 * most)) {
      return fail("prefixes: more than {} bits in one of the address family {}", 8 * most, family);
    }
    if (!address.empty() && address.back() == 0) return fail("prefixes: an address ends with zeros");
    rdata = rdata.subspan(4 + size);
  }
  return {};
}

// RFC 4025 section 2.4: algorithm 0 means that there is no key.
Result<std::string_view> check_ipseckey(Bytes rdata) {
  constexpr std::size_t kSizes[] = {0, 4, 16};
  const Bytes rest = rdata.subspan(3);
  const std::size_t gateway = rdata[1] == 3 ? name_size_on_wire(rest) : kSizes[rdata[1]];
  const bool has_key = rest.size() > gateway;
  if (has_key && rdata[2] != 0) return {};
  if (!has_key && rdata[2] == 0) return "public key: missing, which BIND 9.18 cannot read";
  return fail("public key: {}", has_key ? "algorithm 0 says that there is no key" : "missing");
}

// RFC 8005 section 5: lengths and algorithm, HIT, public key, names of rendezvous servers.
Result<std::string_view> check_hip(Bytes rdata) {
  if (rdata.size() < 4) return fail("data: cut short");
  const std::size_t hit = rdata[0];
  const std::size_t key = load_u16(&rdata[2]);
  if (hit == 0) return fail("HIT: missing");
  if (key == 0) return fail("public key: missing");
  if (rdata.size() < 4 + hit + key) return fail("public key: cut short");
  for (Bytes servers = rdata.subspan(4 + hit + key); !servers.empty();) {
    const std::size_t size = name_size_on_wire(servers);
    if (size == 0) return fail("rendezvous servers: not uncompressed domain names");
    servers = servers.subspan(size);
  }
  return {};
}

}  // namespace swage::dns
