// How a message is written and read: one byte that says which, then its fields, a descriptor beside them.
//
//     integers and times: 8 bytes, little-endian; enumerators and bools: 1 byte
//     texts: 4 bytes of size, then the text; an endpoint: 4 or 6 (1 byte), the address, the port
//
// Reading is strict: what is too short, too long, out of range, without a descriptor that belongs to it or with one
// that does not, is Forbidden.
#pragma once

#include <concepts>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "core/bytes.h"
#include "core/server/messages.h"

namespace swage::server {

// A message on its way.
struct Packet {
  std::string bytes{};
  Descriptor descriptor{};

  static constexpr std::size_t kMaxText = 64 << 10;        // of all texts together; the rest is cut off
  static constexpr std::size_t kMaxSize = kMaxText + 128;  // with all else
};

class MessageWriter {
 public:
  explicit MessageWriter(Packet& packet) : packet_(packet) {}

  void put(Descriptor& descriptor) { packet_.descriptor = std::move(descriptor); }
  void put(std::optional<Descriptor>& descriptor) {
    if (descriptor) packet_.descriptor = *std::move(descriptor);
  }
  void put(const std::string& text);
  void put(const Endpoint& endpoint);
  void put(std::chrono::milliseconds time) { put(time.count()); }
  template <typename T>
    requires std::integral<T> || std::is_enum_v<T>
  void put(T value) {
    if constexpr (std::integral<T> && !std::same_as<T, bool>) {
      put_raw(static_cast<std::uint64_t>(value), 8);
    } else {
      put_raw(static_cast<std::uint64_t>(value), 1);
    }
  }

 private:
  void put_raw(std::uint64_t value, std::size_t bytes) {
    packet_.bytes.append(reinterpret_cast<const char*>(&value), bytes);
  }

  Packet& packet_;
};

class MessageReader {
 public:
  explicit MessageReader(Packet& packet) : packet_(packet), rest_(packet.bytes) { rest_.remove_prefix(1); }

  // True where all that was read was there, and nothing is left.
  [[nodiscard]] bool complete() const { return sound_ && rest_.empty() && !packet_.descriptor.exists(); }

  void get(Descriptor& descriptor) {
    sound_ = sound_ && packet_.descriptor.exists();
    descriptor = std::exchange(packet_.descriptor, Descriptor());
  }
  void get(std::optional<Descriptor>& descriptor) {
    if (packet_.descriptor.exists()) descriptor = std::exchange(packet_.descriptor, Descriptor());
  }
  void get(std::string& text);
  void get(Endpoint& endpoint);
  void get(std::chrono::milliseconds& time) {
    std::uint32_t count = 0;  // longer is not meant
    get(count);
    time = std::chrono::milliseconds(count);
  }
  template <typename T>
    requires std::integral<T> || std::is_enum_v<T>
  void get(T& value) {
    std::uint64_t raw = 0;
    if constexpr (std::same_as<T, bool>) {
      raw = get_raw(1);
      sound_ = sound_ && raw <= 1;
    } else if constexpr (std::is_enum_v<T>) {
      raw = get_raw(1);
      sound_ = sound_ && raw <= static_cast<std::uint64_t>(last_of(T()));
    } else {
      raw = get_raw(8);
      sound_ = sound_ && std::in_range<T>(raw);
    }
    if (sound_) value = static_cast<T>(raw);
  }

 private:
  [[nodiscard]] std::uint64_t get_raw(std::size_t bytes);

  Packet& packet_;
  std::string_view rest_;
  bool sound_ = true;
};

template <typename Message>
[[nodiscard]] Packet encode(Message message) {
  Packet packet;
  packet.bytes.push_back(Message::kKind);
  MessageWriter writer(packet);
  std::apply([&](auto&... field) { (writer.put(field), ...); }, Message::fields(message));
  return packet;
}

namespace detail {

template <typename Variant, typename Message>
bool decode_as(Packet& packet, Variant& variant) {
  if constexpr (!std::same_as<Message, message::Forbidden>) {
    if (packet.bytes.front() != Message::kKind) return false;
    Message message;
    MessageReader reader(packet);
    std::apply([&](auto&... field) { (reader.get(field), ...); }, Message::fields(message));
    if (reader.complete()) variant = std::move(message);
    return true;
  }
  return false;
}

template <typename... Messages>
void decode_into(Packet& packet, std::variant<Messages...>& variant) {
  static_cast<void>((decode_as<std::variant<Messages...>, Messages>(packet, variant) || ...));
}

}  // namespace detail

// The message, if it is one of Variant's; else Forbidden.
template <typename Variant>
[[nodiscard]] Variant decode(Packet&& packet) {
  Variant message;
  if (!packet.bytes.empty()) detail::decode_into(packet, message);
  return message;
}

// Calls handle(message) with the message as one of Variant's.
template <typename Variant>
void decode(Packet&& packet, auto&& handle) {
  std::visit([&](auto&& message) { handle(std::forward<decltype(message)>(message)); },
             decode<Variant>(std::move(packet)));
}

}  // namespace swage::server
