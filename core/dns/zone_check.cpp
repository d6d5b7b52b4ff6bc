#include "core/dns/zone_check.h"

#include "core/dns/name.h"
#include "core/dns/nsec3_hash.h"

namespace swage::dns {
namespace {

constexpr std::size_t kNoName = 0;

// The size of the name at the start of `rdata`, or kNoName.
std::size_t name_size(Bytes rdata) {
  for (std::size_t at = 0; at < rdata.size() && at < kMaxName; at += 1U + rdata[at]) {
    if (rdata[at] > kMaxLabel) return kNoName;
    if (rdata[at] == 0) return at + 1;
  }
  return kNoName;
}

// `before` bytes, a name, and `after` bytes or more (exactly: no more).
bool has_name(Bytes rdata, std::size_t before, std::size_t after, bool exactly = true) {
  if (rdata.size() < before) return false;
  const std::size_t size = name_size(rdata.subspan(before));
  if (size == kNoName) return false;
  const std::size_t left = rdata.size() - before - size;
  return exactly ? left == after : left >= after;
}

bool has_two_names(Bytes rdata, std::size_t after) {
  const std::size_t size = name_size(rdata);
  return size != kNoName && has_name(rdata.subspan(size), 0, after);
}

// One <character-string> or more (RFC 1035 section 3.3.14).
bool has_strings(Bytes rdata) {
  std::size_t at = 0;
  while (at < rdata.size()) at += 1U + rdata[at];
  return !rdata.empty() && at == rdata.size();
}

// Algorithm, flags, iterations, salt, and then `after` bytes or more (RFC 5155 sections 3.2 and 4.2).
bool has_nsec3_parameters(Bytes rdata, std::size_t after) {
  return rdata.size() >= 5 && rdata.size() >= 5U + rdata[4] + after;
}

bool is_well_formed(Type type, Bytes rdata) {
  switch (type) {
    case Type::a:
      return rdata.size() == 4;
    case Type::aaaa:
      return rdata.size() == 16;
    case Type::ns:
    case Type::cname:
    case Type::dname:
    case Type::ptr:
      return has_name(rdata, 0, 0);
    case Type::mx:
      return has_name(rdata, 2, 0);
    case Type::srv:
      return has_name(rdata, 6, 0);
    case Type::svcb:
    case Type::https:
      return has_name(rdata, 2, 0, false);
    case Type::soa:
      return has_two_names(rdata, 20);
    case Type::txt:
      return has_strings(rdata);
    case Type::rrsig:
      return has_name(rdata, 18, 1, false);
    case Type::nsec:
      return has_name(rdata, 0, 0, false);
    case Type::nsec3:
      return has_nsec3_parameters(rdata, 1) && rdata.size() >= 6U + rdata[4] + rdata[5U + rdata[4]];
    case Type::nsec3param:
      return has_nsec3_parameters(rdata, 0) && rdata.size() == 5U + rdata[4];
    case Type::ds:
      return rdata.size() > 4;
    default:
      return true;
  }
}

// RFC 6895 section 3.1: 0 and 128 to 255 are for queries and for the message itself.
bool may_be_in_a_zone(Type type) {
  const auto number = static_cast<std::uint16_t>(type);
  return number != 0 && type != Type::opt && (number < 128 || number > 255);
}

}  // namespace

Result<> check_record(Type type, Bytes rdata) {
  if (!may_be_in_a_zone(type)) return fail("{} cannot be in a zone", to_string(type));
  if (rdata.size() > UINT16_MAX) return fail("{}: more than 65535 bytes of data", to_string(type));
  if (!is_well_formed(type, rdata)) return fail("{}: malformed data", to_string(type));
  if (type == Type::nsec3 || type == Type::nsec3param) {
    const unsigned iterations = load_u16(&rdata[2]);
    if (iterations > kMaxNsec3Iterations) {
      return fail("{}: {} iterations, more than {}", to_string(type), iterations, kMaxNsec3Iterations);
    }
  }
  return {};
}

}  // namespace swage::dns
