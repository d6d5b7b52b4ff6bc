// Role: what a child process of the supervisor is there for.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>

#include <fmt/format.h>

namespace swage::server {

struct Role {
  enum class Kind : std::uint8_t { dns, service, fetch };

  Kind kind = Kind::dns;
  std::size_t number = 0;  // which of the dns processes

  [[nodiscard]] static Role dns(std::size_t number) { return {Kind::dns, number}; }
  [[nodiscard]] static Role service() { return {Kind::service}; }
  [[nodiscard]] static Role fetch() { return {Kind::fetch}; }

  [[nodiscard]] bool is_dns() const { return kind == Kind::dns; }
  [[nodiscard]] bool is_service() const { return kind == Kind::service; }
  [[nodiscard]] bool is_fetch() const { return kind == Kind::fetch; }
  // "dns", "service", "fetch": as `swage @dns` and in metrics.
  [[nodiscard]] const char* kind_name() const { return is_dns() ? "dns" : is_service() ? "service" : "fetch"; }
  // For the log: "dns 0", "service", "fetch".
  [[nodiscard]] std::string name() const { return is_dns() ? fmt::format("dns {}", number) : kind_name(); }
  auto operator<=>(const Role&) const = default;
};

}  // namespace swage::server
