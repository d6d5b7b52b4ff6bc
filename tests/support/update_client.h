// For tests: a client of dynamic updates that signs what it sends, and believes what is signed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/net.h"
#include "core/tsig/tsig.h"
#include "tests/support/dns_client.h"

namespace swage::tests {

class UpdateClient {
 public:
  enum class Over : bool { udp, tcp };

  // `secret` in base64; the algorithm is hmac-sha256.
  UpdateClient(Endpoint server, std::string zone, std::string_view key, std::string_view secret);

  // Sends the update of these lines (update_message.h), in a message of its own each time. "NOERROR", "YXDOMAIN", …;
  // "nothing" where no answer came, "BADTIME" where the server says so, and "BADSIG" and the like where the answer's
  // signature is not good.
  [[nodiscard]] std::string send(std::string_view lines, Over over = Over::udp, Milliseconds deadline = kPatience);
  // The message, signed now; or as by a clock that is `ahead` of ours by so many seconds.
  [[nodiscard]] Packet signed_message(std::string_view lines, std::int64_t ahead = 0);
  // What comes of a message of signed_message()'s, the last one.
  [[nodiscard]] std::string exchange(const Packet& message, Over over, Milliseconds deadline) const;
  // The same of what has come.
  [[nodiscard]] std::string read(const std::optional<Packet>& answer) const;

 private:
  Endpoint server_;
  std::string zone_;
  tsig::OwnKey key_;
  Packet mac_;
  std::uint16_t id_ = 0;
};

}  // namespace swage::tests
