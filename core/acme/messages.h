// What a CA says in ACME (RFC 8555 section 7.1, RFC 9773): JSON as values, of which nothing is believed beyond its
// form. No I/O; any process. Internal to core/acme, but for RenewalInfo.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace swage::acme {

struct Directory {
  std::string new_nonce, new_account, new_order;
  std::string renewal_info{};  // empty: the CA has none
  bool has_profiles = false;
  std::vector<std::string> profiles{};
};
[[nodiscard]] Result<Directory> read_directory(std::string_view text);

enum class Status : std::uint8_t { pending, ready, processing, valid, invalid, other };

struct Order {
  Status status = Status::other;
  std::vector<std::string> authorizations{};
  std::string finalize{}, certificate{};  // URLs; the second when it is valid
  std::string problem{};                  // why it is invalid
};
[[nodiscard]] Result<Order> read_order(std::string_view text);

// Of one name, with its challenge dns-01.
struct Authorization {
  Status status = Status::other;
  std::string name{};              // without "*."
  std::string challenge, token{};  // the URL; empty: there is no such challenge
  Status challenge_status = Status::other;
  std::string problem{};
};
[[nodiscard]] Result<Authorization> read_authorization(std::string_view text);

// RFC 7807: the type without what all of ACME's begin with, and what is said besides.
struct Problem {
  std::string type{};  // "badNonce"
  std::string text{};  // "badNonce: JWS has an invalid anti-replay nonce"; never empty
};
[[nodiscard]] Problem read_problem(unsigned status, std::string_view text);

// When a certificate should be renewed, by the CA: a point of time within, seconds since 1970.
struct RenewalInfo {
  std::int64_t start = 0, end = 0;
};
[[nodiscard]] Result<std::string> renewal_url(std::string_view directory_text);
[[nodiscard]] Result<RenewalInfo> read_renewal_info(std::string_view text);

}  // namespace swage::acme
