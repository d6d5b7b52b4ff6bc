// Registrar: one registration, from a request to a response. Knows the protocol, its rules and limits; authentication
// (authentication.h), dialling and storing are others'. In the service process.
#pragma once

#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
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
#include "plugins/broker/line_limit.h"
#include "plugins/broker/measures.h"
#include "plugins/broker/registration_body.h"

namespace swage::plugins::broker {

// dial::Dialer::reach().
using Reach = std::function<async::Task<std::expected<dial::Reached, dial::DialError>>(
    libp2p::PeerId peer, std::vector<std::string> addresses, const IpAddress& client, async::Event& cancel)>;

struct Clocks {
  using Read = std::int64_t (*)();  // milliseconds
  Read wall;                        // since 1970
  Read steady;
  [[nodiscard]] static Clocks system();
};

struct Rules {
  std::vector<Prefix> trusted_proxies;
  dial::Rate peer_limit, client_limit;
  std::optional<crypto::Secret> access_token;  // none: all peers may register
  // dial::Dialer::has_room(): whether one more registration of this client can be dialled.
  std::function<bool(const IpAddress& client)> has_room = [](const IpAddress&) { return true; };
  denylist::Denylist denylist{};  // whose addresses may not register
  Measures measures{};
  std::string name = "broker";  // in the log
};

class Registrar {
 public:
  // REQUIRES: `random` and the store's memory outlive it.
  Registrar(Rules rules, libp2p::PeerIdAuth auth, forge::ChallengeStore store, Reach reach, Clocks clocks,
            crypto::Random& random);
  ~Registrar();
  Registrar(const Registrar&) = delete;
  Registrar& operator=(const Registrar&) = delete;

  // A request for the path of registrations, of any method. REQUIRES: the Registrar outlives the task.
  [[nodiscard]] async::Task<http::Response> answer(http::Request request, http::Caller& caller);

  // For the log and the figures: what a peer that was reached says to be.
  void identified(const libp2p::PeerId& peer, std::string_view agent);

  // The same of what was no request.
  void not_a_request(const IpAddress& connection, unsigned status, std::string_view why) {
    authentication_.not_a_request(connection, status, why, clocks_.steady());
  }

  // Counts the peers that have not said in time what they are.
  void measure();

  [[nodiscard]] std::size_t dialling() const { return dialling_; }

 private:
  // Who registers, and from where.
  struct Applicant {
    libp2p::PeerId peer;
    IpAddress client;      // as far as proxies are trusted
    IpAddress connection;  // whose it is
  };
  // What the client gets, and what the log says beyond that.
  struct Verdict {
    unsigned status;
    std::string text;  // of the body; short, and nothing of what was found at dialling
    std::chrono::seconds retry_after{0};
    std::string detail{};  // for the log, instead of the text
  };

  [[nodiscard]] async::Task<Verdict> decide(const http::Request& request, const Applicant& applicant,
                                            async::Event& gone);
  [[nodiscard]] std::expected<RegistrationBody, Verdict> check(const http::Request& request) const;
  [[nodiscard]] std::optional<Verdict> denied(const http::Request& request, const Applicant& applicant,
                                              const RegistrationBody& body) const;
  [[nodiscard]] bool has_access(const http::Request& request) const;
  [[nodiscard]] std::optional<Verdict> admit(const Applicant& applicant);
  [[nodiscard]] Verdict store(const Applicant& applicant, const std::string& value, const dial::Reached& reached);
  void reached(const libp2p::PeerId& peer, Agent agent);
  void count_unidentified(std::int64_t before);
  void log(const Applicant& applicant, const Verdict& verdict, std::int64_t began);

  Rules rules_;
  Authentication authentication_;
  forge::ChallengeStore store_;
  Reach reach_;
  Clocks clocks_;
  dial::RateLimit peers_, clients_;
  std::size_t dialling_ = 0;
  // Peers that were reached, and may still say by identify what they are; until then what their requests say counts.
  struct Unidentified {
    libp2p::PeerId peer;
    Agent agent;
    std::int64_t since;
  };
  std::deque<Unidentified> unidentified_;
  LineLimit lines_;  // of the log
};

}  // namespace swage::plugins::broker
