// What clients will object to in a server's chain of certificates (RFC 5280): for warnings to the operator, who would
// otherwise learn it from them. Not for verifying connections. Over OpenSSL; reads the system's authorities; any
// thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace swage::crypto {

struct ChainReport {
  std::int64_t expires = 0;               // the first of its certificates; seconds since 1970
  std::vector<std::string> objections{};  // "has expired on 2025-01-31 12:00:00 UTC", …; empty if all is well
};

// `pem`: the server's certificate first, then its issuers; other blocks are skipped. `host`: the name that clients ask
// for. `now`: seconds since 1970. Fails if it holds no certificate.
//
// Objected to are: certificates out of their time, or within a week of its end; a server's certificate without the
// name; one that does not issue the one before it; and issuers that are missing: where the last of the file has one
// that this machine does not know, unless it is an authority itself, whose clients have their own idea of it.
[[nodiscard]] Result<ChainReport> judge_chain(std::string_view pem, const std::string& host, std::int64_t now);

}  // namespace swage::crypto
