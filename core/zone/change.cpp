#include "core/zone/change.h"

#include <algorithm>
#include <cstring>

#include "core/dns/rdata_check.h"

namespace swage::zone {
namespace {

constexpr std::size_t kFixed = 9;  // bytes of a record before its owner

struct Fixed {
  std::uint32_t ttl;
  std::uint16_t type, rdata_size;
  std::uint8_t owner_size;
};

Fixed load(const std::uint8_t* at) {
  Fixed fixed;
  std::memcpy(&fixed.ttl, at, 4);
  std::memcpy(&fixed.type, at + 4, 2);
  std::memcpy(&fixed.rdata_size, at + 6, 2);
  fixed.owner_size = at[8];
  return fixed;
}

// Whether `count` records fill `bytes`, and have owners.
bool are_records(Bytes bytes, std::uint32_t count, std::size_t& size) {
  std::size_t at = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (bytes.size() - at < kFixed) return false;
    const Fixed fixed = load(&bytes[at]);
    at += kFixed;
    const std::size_t rest = std::size_t{fixed.owner_size} + fixed.rdata_size;
    if (bytes.size() - at < rest || fixed.owner_size == 0) return false;
    if (dns::name_size_on_wire(bytes.subspan(at, fixed.owner_size)) != fixed.owner_size) return false;
    at += rest;
  }
  size = at;
  return true;
}

bool is_soa(std::optional<ZoneRecord> first, std::uint32_t serial) {
  return first && first->type == dns::Type::soa && dns::check_rdata(first->type, first->rdata) &&
         serial_of(first->rdata) == serial;
}

}  // namespace

std::optional<ZoneRecord> Change::Records::next() {
  if (left_ == 0) return {};
  --left_;
  const Fixed fixed = load(at_);
  const dns::NameView owner(at_ + kFixed, fixed.owner_size);
  const Bytes rdata(at_ + kFixed + fixed.owner_size, fixed.rdata_size);
  at_ += kFixed + fixed.owner_size + fixed.rdata_size;
  return ZoneRecord{owner, dns::Type{fixed.type}, fixed.ttl, rdata};
}

Result<Change> Change::check(Bytes bytes) {
  if (bytes.size() < sizeof(Header) || reinterpret_cast<std::uintptr_t>(bytes.data()) % 8 != 0) {
    return fail("a change of {} bytes is too short", bytes.size());
  }
  const Change change(bytes.data());
  const Header& header = change.header();
  if (header.size > bytes.size() || header.size % 8 != 0 || header.added_at < sizeof(Header) ||
      header.added_at > header.size) {
    return fail("a change of {} bytes has a wrong size", bytes.size());
  }
  const Bytes removed(bytes.data() + sizeof(Header), header.added_at - sizeof(Header));
  const Bytes added(bytes.data() + header.added_at, header.size - header.added_at);
  std::size_t removed_size = 0, added_size = 0;
  if (!are_records(removed, header.removed, removed_size) || removed_size != removed.size() ||
      !are_records(added, header.added, added_size) || added.size() - added_size >= 8) {
    return fail("a change from {} to {} has malformed records", header.from, header.to);
  }
  if (!is_soa(change.removed().next(), header.from) || !is_soa(change.added().next(), header.to)) {
    return fail("a change from {} to {} does not begin with these SOA records", header.from, header.to);
  }
  return change;
}

ChangeWriter::ChangeWriter(const ZoneRecord& old_soa, const ZoneRecord& new_soa) : ChangeWriter(old_soa) {
  set_new_soa(new_soa);
}

ChangeWriter::ChangeWriter(const ZoneRecord& old_soa) : from_(serial_of(old_soa.rdata)) { remove(old_soa); }

void ChangeWriter::set_new_soa(const ZoneRecord& new_soa) {
  to_ = serial_of(new_soa.rdata);
  add(new_soa);
}

void ChangeWriter::append(std::vector<std::uint8_t>& to, const ZoneRecord& record) {
  const std::size_t at = to.size();
  to.resize(at + kFixed + record.owner.size() + record.rdata.size());
  const auto type = static_cast<std::uint16_t>(record.type);
  const auto rdata_size = static_cast<std::uint16_t>(record.rdata.size());
  std::memcpy(&to[at], &record.ttl, 4);
  std::memcpy(&to[at + 4], &type, 2);
  std::memcpy(&to[at + 6], &rdata_size, 2);
  to[at + 8] = static_cast<std::uint8_t>(record.owner.size());
  std::copy_n(record.owner.data(), record.owner.size(), &to[at + kFixed]);
  std::ranges::copy(record.rdata, to.begin() + static_cast<std::ptrdiff_t>(at + kFixed + record.owner.size()));
}

bool ChangeWriter::changes_nothing() const { return removed_count_ == 1 && added_count_ == 1 && removed_ == added_; }

std::size_t ChangeWriter::size() const {
  return (sizeof(Change::Header) + removed_.size() + added_.size() + 7) / 8 * 8;
}

std::vector<std::uint8_t> ChangeWriter::finish() const {
  std::vector<std::uint8_t> bytes(size());
  const Change::Header header{bytes.size(), sizeof(Change::Header) + removed_.size(), from_, to_, removed_count_,
                              added_count_};
  std::memcpy(bytes.data(), &header, sizeof header);
  const auto end = std::ranges::copy(removed_, bytes.begin() + sizeof header).out;
  std::ranges::copy(added_, end);
  return bytes;
}

}  // namespace swage::zone
