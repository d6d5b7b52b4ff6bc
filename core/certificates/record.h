// What lasts beside the keys and the certificate: the account's URL, and what became of the orders. JSON in files; no
// I/O here. A file that cannot be understood is as if it were not there. Internal to core/certificates.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace swage::certificates {

// account.json
struct AccountRecord {
  std::string directory{}, account{};  // URLs
};
[[nodiscard]] AccountRecord read_account(std::string_view text);
[[nodiscard]] std::string to_text(const AccountRecord& record);

// NAME.json
struct OrderRecord {
  std::string issued_by{};  // the directory that the certificate is from; empty: not known

  std::string directory{};  // of what follows
  std::vector<std::string> names{};
  std::string order{};          // the URL of the one that is under way; empty: none is
  unsigned failures = 0;        // in a row
  std::int64_t not_before = 0;  // when to try again, seconds since 1970
  std::string problem{};        // of the last failure

  bool operator==(const OrderRecord&) const = default;
};
[[nodiscard]] OrderRecord read_record(std::string_view text);
[[nodiscard]] std::string to_text(const OrderRecord& record);

}  // namespace swage::certificates
