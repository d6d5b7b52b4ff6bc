// Issuance: a certificate from a CA by ACME (RFC 8555) with dns-01 challenges, without any I/O: it says what is to be
// done next, and is told what came of it.
//
//     while (true) {
//       Action action = issuance.next();                // Ask, Publish, Keep, Wait; or, at the end, Issued or Failure
//       …
//       issuance.answered(reply, now);                  // after Ask; or unanswered(why)
//       issuance.done();                                // after Publish, Keep, Wait
//     }
//
// It can be given up at any point, and another one goes on from its Progress: an order that was begun is finished, and
// not another one made. The key of the certificate must be the same then.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/acme/jws.h"
#include "core/acme/messages.h"
#include "core/crypto/certificate_request.h"
#include "core/crypto/evp_key.h"

namespace swage::acme {

// What a certificate is asked for with.
struct Plan {
  std::string directory;           // the CA's URL
  std::vector<std::string> names;  // lower case; "*.example.org", too
  std::string email{};
  std::string profile{};              // empty: the CA's default
  std::string replaces{};             // the renewal_id of the certificate before (RFC 9773 section 5)
  const ExternalAccount* external{};  // none: the CA wants none
};

// What lasts: URLs, empty where there is none yet.
struct Progress {
  std::string account{}, order{};
  bool operator==(const Progress&) const = default;
};

struct Reply {
  unsigned status = 0;
  std::string body{}, nonce{}, location{}, retry_after{};  // the latter three as fields of the response
};

// To be sent: with a body a POST of application/jose+json, else a GET.
struct Ask {
  std::string url;
  std::optional<std::string> body{};
};
// A TXT record that all nameservers are to answer.
struct Publish {
  std::string name;  // "_acme-challenge." is before it
  std::string value;
};
struct Keep {};  // progress() has changed: store it before going on
struct Wait {
  std::chrono::seconds time;
};
struct Chain {
  std::string pem;
  crypto::Issued issued;
};
struct Failure {
  std::string why;
  bool refused = false;  // the CA has said no, and will say so again soon; else it may go better any moment
  std::chrono::seconds retry_after{0};
};
using Action = std::variant<Ask, Publish, Keep, Wait, Chain, Failure>;

class Issuance {
 public:
  // REQUIRES: the keys, and what `plan` refers to, outlive it. `key` is the certificate's.
  Issuance(const AccountKey& account, const crypto::EvpPrivateKey& key, Plan plan, Progress progress)
      : account_key_(account), key_(key), plan_(std::move(plan)), progress_(std::move(progress)) {}

  [[nodiscard]] Action next();
  // `now`: seconds since 1970.
  void answered(const Reply& reply, std::int64_t now);
  void unanswered(const std::string& why);
  void done();

  [[nodiscard]] const Progress& progress() const { return progress_; }

 private:
  enum class Step : std::uint8_t {
    directory,
    account,
    order,
    look,
    authorization,
    publish,
    challenge,
    finalize,
    certificate,
    over
  };

  [[nodiscard]] Action request();
  [[nodiscard]] Action post(const std::string& url, const std::string& payload);
  [[nodiscard]] std::string account_text() const;
  [[nodiscard]] std::string order_text() const;
  [[nodiscard]] std::string request_text() const;
  void take(const Reply& reply, std::int64_t now);
  void refused(const Reply& reply, std::int64_t now);
  [[nodiscard]] bool mended(const Problem& problem, unsigned status);
  void take_directory(const Reply& reply);
  void take_account(const Reply& reply);
  void take_order(const Reply& reply, std::int64_t now);
  void take_authorization(const Reply& reply, std::int64_t now);
  void take_certificate(const Reply& reply);
  void look_later(const Reply& reply, std::int64_t now);
  void fail_with(std::string why, bool refused = false, std::chrono::seconds retry_after = std::chrono::seconds(0));
  void lose_order(const std::string& why);
  [[nodiscard]] std::string what() const;

  const AccountKey& account_key_;
  const crypto::EvpPrivateKey& key_;
  Plan plan_;
  Progress progress_;

  Step step_ = Step::directory;
  std::string nonce_;
  bool wants_nonce_ = false;  // that is what was asked for last
  bool keep_ = false;         // progress_ has changed
  std::chrono::seconds wait_{0};
  unsigned bad_nonces_ = 0, polls_ = 0, mends_ = 0;
  bool resumed_ = false;    // the order is of an Issuance before
  bool published_ = false;  // of the current authorization
  std::size_t place_ = 0;   // of it
  Directory directory_{};
  Order order_{};
  Authorization authorization_{};
  std::variant<std::monostate, Chain, Failure> result_;
};

}  // namespace swage::acme
