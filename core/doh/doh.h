// DNS over HTTPS (RFC 8484): the message that a request of HTTP carries, and the response that carries one. No I/O.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <vector>

#include "core/bytes.h"
#include "core/http/message.h"

namespace swage::doh {

inline constexpr std::string_view kPath = "/dns-query";
inline constexpr std::string_view kType = "application/dns-message";

// How much of a request is taken.
inline constexpr http::MessageLimits kLimits{.header = 16 << 10, .fields = 64, .body = 0xFFFF};

// The message of DNS, 12 bytes or more: of ?dns= of a GET, or of the body of a POST. Else what is to be answered: 404
// another path, 405 another method, 415 another type of body, 413, 400.
[[nodiscard]] std::expected<std::vector<std::uint8_t>, http::Response> message_of(const http::Request& request);

// `message`: a response of DNS. Clients and caches may keep it for the smallest TTL of its answer, or of a denial for
// what its SOA record says (RFC 8484 section 5.1); an error is not kept.
[[nodiscard]] http::Response response_of(Bytes message);

// Where nothing is to be said to a query.
[[nodiscard]] http::Response no_response();

// How long `message` may be kept, in seconds; nullopt: not at all. For response_of() and tests.
[[nodiscard]] std::optional<std::uint32_t> freshness(Bytes message);

}  // namespace swage::doh
