#include "core/libp2p/key_protobuf.h"

#include <optional>

namespace swage::libp2p {
namespace {

constexpr std::uint64_t kTypeField = 1, kDataField = 2;
enum WireType : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

// Takes the fields off the front of a message. Lengths that the message does not have are errors.
class Reader {
 public:
  explicit Reader(Bytes rest) : rest_(rest) {}

  [[nodiscard]] bool empty() const { return rest_.empty(); }

  // Up to 10 bytes, in any form: protobuf does not ask for the shortest.
  [[nodiscard]] Result<std::uint64_t> take_varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 70 && !rest_.empty(); shift += 7) {
      const std::uint8_t byte = rest_.front();
      rest_ = rest_.subspan(1);
      if (shift == 63 && byte > 1) break;
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    return fail("the key's protobuf has a broken varint");
  }

  [[nodiscard]] Result<Bytes> take(std::uint64_t size) {
    if (size > rest_.size()) return fail("the key's protobuf is cut short");
    const Bytes taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }

  [[nodiscard]] Result<> skip(std::uint64_t wire_type) {
    switch (wire_type) {
      case kVarint:
        TRY(take_varint());
        return {};
      case kFixed64:
        TRY(take(8));
        return {};
      case kFixed32:
        TRY(take(4));
        return {};
      case kBytes: {
        TRY(const std::uint64_t size, take_varint());
        TRY(take(size));
        return {};
      }
      default:
        return fail("the key's protobuf has a field of an unknown wire type");
    }
  }

 private:
  Bytes rest_;
};

}  // namespace

Result<KeyMessage> read_key_message(Bytes message) {
  Reader reader(message);
  std::optional<std::uint64_t> type;
  std::optional<Bytes> data;
  while (!reader.empty()) {
    TRY(const std::uint64_t tag, reader.take_varint());
    const std::uint64_t field = tag >> 3, wire_type = tag & 7;
    if (field == 0) return fail("the key's protobuf has a field 0");
    if (field == kTypeField && wire_type == kVarint) {
      TRY(type, reader.take_varint());
    } else if (field == kDataField && wire_type == kBytes) {
      TRY(const std::uint64_t size, reader.take_varint());
      TRY(data, reader.take(size));
    } else {
      TRY(reader.skip(wire_type));
    }
  }
  if (!type || !data) return fail("the key's protobuf has no {}", type ? "Data" : "Type");
  if (*type > static_cast<std::uint64_t>(KeyType::ecdsa)) return fail("no key type has the number {}", *type);
  return KeyMessage{static_cast<KeyType>(*type), *data};
}

KeyHead key_head(KeyType type, std::size_t data_size) {
  CHECK(data_size < std::size_t{1} << 21);
  KeyHead head = {{0x08, static_cast<std::uint8_t>(type), 0x12, 0, 0, 0}, 3};
  for (; data_size >= 0x80; data_size >>= 7) head.bytes[head.size++] = static_cast<std::uint8_t>(data_size | 0x80);
  head.bytes[head.size++] = static_cast<std::uint8_t>(data_size);
  return head;
}

}  // namespace swage::libp2p
