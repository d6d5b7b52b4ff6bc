// Registrar: one registration, from a request to a response, in the order of docs/autotls.md: who asks
// (authentication.h), for what (registration_body.h), the denylist and the limits, whether the peer can be reached, and
// the store. In the service process.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/async/event.h"
#include "core/async/task.h"
#include "core/crypto/random.h"
#include "core/crypto/secret.h"
#include "core/denylist/denylist.h"
#include "core/dial/dialer.h"
#include "core/dial/rate_limit.h"
#include "core/forge/challenge_store.h"
#include "core/http/message.h"
#include "core/http/server.h"
#include "core/libp2p/peer_id_auth.h"
#include "core/net.h"
#include "plugins/broker/authentication.h"
#include "plugins/broker/clocks.h"
#include "plugins/broker/journal.h"
#include "plugins/broker/registration_body.h"
#include "plugins/broker/verdict.h"

namespace swage::plugins::broker {

struct Rules {
  std::vector<Prefix> trusted_proxies;
  dial::Rate peer_limit, client_limit;
  std::optional<crypto::Secret> access_token;  // none: all peers may register
  denylist::Denylist denylist{};               // whose addresses may not register
};

using Reaching = async::Task<std::expected<dial::Reached, dial::DialError>>;

// The dialler, as a Registrar needs it.
struct Dialling {
  // dial::Dialer::reach() and has_room().
  std::function<Reaching(libp2p::PeerId peer, std::vector<std::string> addresses, const IpAddress& client,
                         async::Event& cancel)>
      reach;
  std::function<bool(const IpAddress& client)> has_room = [](const IpAddress&) { return true; };
};

class Registrar {
 public:
  // REQUIRES: `random`, `journal` and the store's memory outlive it.
  Registrar(Rules rules, libp2p::PeerIdAuth auth, forge::ChallengeStore store, Dialling dialling, Clocks clocks,
            crypto::Random& random, Journal& journal);
  Registrar(const Registrar&) = delete;
  Registrar& operator=(const Registrar&) = delete;

  // A request for the path of registrations, of any method. REQUIRES: the Registrar outlives the task.
  [[nodiscard]] async::Task<http::Response> answer(http::Request request, http::Caller& caller);

 private:
  // Who registers, and from where.
  struct Applicant {
    libp2p::PeerId peer;
    IpAddress client;      // as far as proxies are trusted
    IpAddress connection;  // whose it is
  };
  template <typename T>
  using OrVerdict = std::expected<T, Verdict>;

  [[nodiscard]] async::Task<Verdict> decide(const http::Request& request, const Applicant& applicant,
                                            async::Event& gone);
  // The steps, in order.
  [[nodiscard]] OrVerdict<RegistrationBody> read(const http::Request& request) const;
  [[nodiscard]] OrVerdict<void> check_denylist(const http::Request& request, const Applicant& applicant,
                                               const RegistrationBody& body) const;
  [[nodiscard]] OrVerdict<void> check_limits(const Applicant& applicant);
  [[nodiscard]] async::Task<OrVerdict<dial::Reached>> reach(const Applicant& applicant, Agent requested_by,
                                                            std::vector<std::string> addresses, async::Event& gone);
  [[nodiscard]] async::Task<OrVerdict<void>> check_fleet_limits(const Applicant& applicant);
  [[nodiscard]] async::Task<Verdict> store(const Applicant& applicant, const std::string& value,
                                           const dial::Reached& reached);

  [[nodiscard]] bool has_access(const http::Request& request) const;

  Rules rules_;
  Authentication authentication_;
  forge::ChallengeStore store_;
  Dialling dialling_;
  Clocks clocks_;
  Journal& journal_;
  dial::RateLimit peers_, clients_;
};

}  // namespace swage::plugins::broker
