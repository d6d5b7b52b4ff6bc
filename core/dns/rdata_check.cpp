#include "core/dns/rdata_check.h"

#include "core/counted.h"
#include "core/dns/rdata_rules.h"
#include "core/dns/record_types.h"

namespace swage::dns {
namespace {

constexpr std::size_t kNone = SIZE_MAX;  // no such field at the start of these bytes

std::size_t fixed(Bytes rest, std::size_t size) { return rest.size() < size ? kNone : size; }

std::size_t name(Bytes rest) {
  const std::size_t size = name_size_on_wire(rest);
  return size == 0 ? kNone : size;
}

// Bytes after one that says how many.
std::size_t counted_bytes(Bytes rest) { return rest.empty() ? kNone : fixed(rest, 1U + rest[0]); }

// One <character-string> or more (RFC 1035 section 3.3.14).
std::size_t strings(Bytes rest) {
  std::size_t at = 0;
  while (at < rest.size()) at += 1U + rest[at];
  return rest.empty() || at != rest.size() ? kNone : at;
}

// RFC 4034 section 4.1.2: windows in order, each of 1 to 32 bytes, the last of them not zero.
std::size_t bitmap(Bytes rest) {
  int window = -1;
  std::size_t at = 0;
  while (at < rest.size()) {
    if (rest.size() - at < 3 || rest[at] <= window) return kNone;
    window = rest[at];
    const std::size_t size = rest[at + 1];
    if (size == 0 || size > 32 || rest.size() - at - 2 < size || rest[at + 1 + size] == 0) return kNone;
    at += 2 + size;
  }
  return at;
}

// RFC 2535 section 5.2: one bit for each type up to 127; that of type 0 would mean another known.
std::size_t nxt_bitmap(Bytes rest) {
  if (rest.empty() || rest.size() > 16 || (rest[0] & 0x80) != 0 || rest.back() == 0) return kNone;
  return rest.size();
}

// RFC 4025 section 2.5 and RFC 8777 section 4.2.4 have the same kinds.
std::size_t gateway(Bytes rest, unsigned kind) {
  switch (kind) {
    case 0:
      return 0;
    case 1:
      return fixed(rest, 4);
    case 2:
      return fixed(rest, 16);
    case 3:
      return name(rest);
    default:
      return kNone;
  }
}

// The size of the field that `letter` of RecordType stands for.
std::size_t field_size(char letter, Bytes rest, Bytes rdata) {
  if (const std::size_t size = fixed_size(letter); size != 0) return fixed(rest, size);
  switch (letter) {
    case 'n':
    case 'N':
    case 'o':
    case 'O':
      return name(rest);
    case 'c':
    case 'z':
      return counted_bytes(rest);
    case 'C':
      return rest.empty() ? 0 : counted_bytes(rest);
    case 'h':
      return rest.empty() || rest[0] == 0 ? kNone : counted_bytes(rest);
    case 's':
      return strings(rest);
    case 'L':
    case 'b':
    case 'x':
      return rest.empty() ? kNone : rest.size();
    case 'l':
    case 'B':
    case 'D':
    case 'r':
      return rest.size();
    case 'm':
      return bitmap(rest);
    case 'v':
      return nxt_bitmap(rest);
    case 'w':
      return gateway(rest, rdata[1]);
    case 'W':
      return (rdata[1] & 0x7F) > 3 ? rest.size() : gateway(rest, rdata[1] & 0x7FU);  // of a type to come
    default:
      CHECK(false);  // a letter that stands for no field
      return kNone;
  }
}

const char* fault_of(char letter, Bytes rest) {
  if (rest.empty()) return "missing";
  if (is_name_field(letter)) return "not an uncompressed domain name";
  switch (letter) {
    case 'c':
    case 'C':
    case 's':
    case 'z':
      return "longer than the data";
    case 'h':
      return rest[0] == 0 ? "empty" : "longer than the data";
    case 'm':
    case 'v':
      return "not a bitmap of types";
    case 'w':
    case 'W':
      return "not what its type requires";
    default:
      return "cut short";
  }
}

Result<> check_fields(const RecordType& known, Bytes rdata) {
  const bool has_fixed = rdata.size() >= known.fixed_bytes;
  Bytes rest = has_fixed ? rdata.subspan(known.fixed_bytes) : rdata;
  for (std::size_t i = has_fixed ? known.fixed_fields : 0; i < known.fields.size(); ++i) {
    const std::size_t size = field_size(known.fields[i], rest, rdata);
    if (size == kNone) [[unlikely]] {
      return fail("{}: {}: {}", to_string(known.type), known.field_name(i), fault_of(known.fields[i], rest));
    }
    rest = rest.subspan(size);
  }
  if (rest.empty()) return {};
  return fail("{}: {} after its last field, {}", to_string(known.type), counted(rest.size(), "byte"),
              known.field_name(known.fields.size() - 1));
}

}  // namespace

Result<std::string_view> check_rdata(Type type, Bytes rdata) {
  if (is_meta_type(type)) return fail("{} cannot be in a zone", to_string(type));
  if (rdata.size() > UINT16_MAX) return fail("{}: more than 65535 bytes of data", to_string(type));
  const RecordType* const known = record_type(type);
  if (known == nullptr || known->fields.empty()) return {};
  TRY(check_fields(*known, rdata));
  if (known->rule == nullptr) return {};
  auto doubt = known->rule(rdata);
  if (!doubt) return fail("{}: {}", to_string(type), doubt.error().text());
  return doubt;
}

}  // namespace swage::dns
