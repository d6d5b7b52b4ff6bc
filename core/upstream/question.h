// Asked: a question to another nameserver as it goes on the wire, and whether what comes back answers it. No I/O. Faces
// whatever anybody may send to the port that it was asked from.
//
// Somebody who wants to forge an answer has to guess the id and the spelling of the name (16 bits, and one for each
// letter: draft-vixie-dnsext-dns0x20), beside the port, which is the socket's (RFC 5452); where the server knows
// cookies (RFC 7873), 64 bits more.
#pragma once

#include <cstdint>
#include <vector>

#include "core/bytes.h"
#include "core/crypto/random.h"
#include "core/dns/name.h"
#include "core/dns/types.h"

namespace swage::upstream {

// Of class IN.
struct Question {
  dns::Name name;
  dns::Type type = dns::Type::a;
  bool recursion_desired = true;
  bool dnssec_ok = false;          // DO
  bool checking_disabled = false;  // CD
};

enum class Verdict : std::uint8_t {
  answer,      // to this question
  truncated,   // so it is, and there is more of it over TCP
  misspelled,  // so it may be, but for the spelling or a cookie: to be asked again where nobody can forge it
  no_edns,     // the server does not know EDNS (RFC 6891 section 7): to be asked without
  bad_cookie,  // the server wants the cookie that is in the message (RFC 7873 section 5.3)
  foreign,     // something else
};

class Asked {
 public:
  struct Form {
    bool edns = true;  // with an OPT record, which is ours: nothing of a client's goes on
    bool random_spelling = true;
    bool random_id = true;
    Bytes cookie{};   // ours (8 bytes), and the server's if it is known; none: without
    Bytes options{};  // other EDNS options, in wire format
  };
  Asked(const Question& question, const Form& form, crypto::Random& random);

  [[nodiscard]] Bytes message() const { return message_; }
  [[nodiscard]] Verdict judge(Bytes received) const;

  // The cookie of a message that was judged an answer or bad_cookie: ours and the server's; empty: none.
  [[nodiscard]] static Bytes cookie_of(Bytes received);

 private:
  [[nodiscard]] Verdict judge_cookie(Bytes received) const;

  std::vector<std::uint8_t> message_;
  std::size_t question_end_ = 0;
  std::vector<std::uint8_t> cookie_;
  bool edns_;
};

}  // namespace swage::upstream
