#include "core/tsig/record.h"

#include <algorithm>

#include "core/dns/parse.h"
#include "core/dns/types.h"
#include "core/dns/wire_name.h"

namespace swage::tsig {
namespace {

constexpr std::size_t kFixed = 10;  // type, class, TTL, RDLENGTH

bool skip_name(Bytes message, std::size_t& at) {
  while (at < message.size()) {
    const std::uint8_t length = message[at];
    const std::size_t size = length >= 0xC0 ? 2 : 1U + length;
    if ((length > dns::kMaxLabel && length < 0xC0) || message.size() - at < size) return false;
    at += size;
    if (length == 0 || length >= 0xC0) return true;
  }
  return false;
}

bool read_name(Bytes bytes, std::size_t& at, dns::Name& name) {
  dns::WireName wire;
  if (!dns::read_name(bytes, at, wire)) return false;
  name.assign_lowercased(wire.view());
  return true;
}

// `rdata`: from here on in `message`. The algorithm's name is not compressed (RFC 8945 section 4.2).
bool read_rdata(Bytes rdata, Record& record) {
  constexpr std::size_t kBeforeMac = kTimeSize + 4, kAfterMac = 6;
  const auto algorithm = dns::Name::from_wire(rdata);
  if (!algorithm) return false;
  record.algorithm.assign_lowercased(*algorithm);
  rdata = rdata.subspan(algorithm->size());
  if (rdata.size() < kBeforeMac) return false;
  record.time = load_time(rdata.data());
  record.fudge = load_u16(&rdata[kTimeSize]);
  const std::size_t mac = load_u16(&rdata[kTimeSize + 2]);
  rdata = rdata.subspan(kBeforeMac);
  if (rdata.size() < mac + kAfterMac) return false;
  record.mac = rdata.first(mac);
  rdata = rdata.subspan(mac);
  record.original_id = load_u16(rdata.data());
  record.error = load_u16(&rdata[2]);
  const std::size_t other = load_u16(&rdata[4]);
  record.other = rdata.subspan(kAfterMac);
  return record.other.size() == other;
}

}  // namespace

std::uint64_t load_time(const std::uint8_t* at) { return std::uint64_t{load_u16(at)} << 32 | load_u32(at + 2); }

std::array<std::uint8_t, kTimeSize> time_bytes(std::uint64_t time) {
  std::array<std::uint8_t, kTimeSize> bytes;
  store_u16(bytes.data(), static_cast<std::uint16_t>(time >> 32));
  store_u32(bytes.data() + 2, static_cast<std::uint32_t>(time));
  return bytes;
}

Found find(Bytes message, Record& record, std::size_t& start) {
  start = 0;
  if (message.size() < dns::kHeaderSize) return Found::malformed;
  const auto count = [message](std::size_t at) -> std::size_t { return load_u16(&message[at]); };
  std::size_t at = dns::kHeaderSize;
  for (std::size_t i = 0; i < count(4); ++i) {
    if (!skip_name(message, at) || message.size() - at < 4) return Found::malformed;
    at += 4;
  }
  const std::size_t records = count(6) + count(8) + count(10);
  for (std::size_t i = 1; i <= records; ++i) {
    const std::size_t owner = at;
    if (!skip_name(message, at) || message.size() - at < kFixed) return Found::malformed;
    const std::uint8_t* const fixed = &message[at];
    const std::size_t size = load_u16(fixed + 8);
    at += kFixed;
    if (message.size() - at < size) return Found::malformed;
    const Bytes rdata = message.subspan(at, size);
    at += size;
    if (load_u16(fixed) != static_cast<std::uint16_t>(dns::Type::tsig)) continue;
    const bool in_place = i == records && count(10) != 0 && load_u16(fixed + 2) == static_cast<int>(dns::Class::any) &&
                          load_u32(fixed + 4) == 0;
    std::size_t name = owner;
    if (!in_place || !read_name(message, name, record.key) || !read_rdata(rdata, record)) return Found::malformed;
    start = owner;
  }
  if (at != message.size()) return Found::malformed;
  return start == 0 ? Found::none : Found::one;
}

std::size_t size_of(const Record& record) {
  return record.key.size() + kFixed + record.algorithm.size() + kTimeSize + 4 + record.mac.size() + 6 +
         record.other.size();
}

std::size_t append(MutableBytes memory, std::size_t size, const Record& record) {
  std::uint8_t* at = memory.subspan(size, size_of(record)).data();
  const auto put = [&at](Bytes bytes) { at = std::copy(bytes.begin(), bytes.end(), at); };
  const auto put_u16 = [&at](std::size_t value) {
    store_u16(at, static_cast<std::uint16_t>(value));
    at += 2;
  };
  put(record.key.view().bytes());
  put_u16(static_cast<std::uint16_t>(dns::Type::tsig));
  put_u16(static_cast<std::uint16_t>(dns::Class::any));
  put_u16(0);
  put_u16(0);
  put_u16(size_of(record) - record.key.size() - kFixed);
  put(record.algorithm.view().bytes());
  put(time_bytes(record.time));
  put_u16(record.fudge);
  put_u16(record.mac.size());
  put(record.mac);
  put_u16(record.original_id);
  put_u16(record.error);
  put_u16(record.other.size());
  put(record.other);
  store_u16(&memory[10], static_cast<std::uint16_t>(load_u16(&memory[10]) + 1));
  return size + size_of(record);
}

}  // namespace swage::tsig
