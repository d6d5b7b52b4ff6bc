// From the bytes of a request to the bytes of its response: parse, route, chain, encode. No I/O; the same for UDP, TCP
// and tests. One for each dns process; its Query and Response are used again for each query.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/server/amplification.h"
#include "core/server/lookups.h"
#include "core/server/router.h"
#include "core/server/work.h"

namespace swage::server {

class Origin;
class Park;
struct Configuration;

// How a request came in.
struct Arrival {
  dns::Transport transport = dns::Transport::udp;
  Endpoint client;
  Endpoint server;
  std::int64_t received = 0;  // nanoseconds, steady clock
  Origin* origin = nullptr;   // where an answer may go that comes later; nullptr: it cannot wait
  Scheme scheme = Scheme::dns;
  Endpoint proxy{};         // that has sent it, and gets the response, for `client`; port 0: no proxy
  std::int32_t stream = 0;  // of HTTP/2, where its answer goes
};

// What follows a response over TCP (dns::Stream), and the request, which may be gone where it came from.
struct Following {
  std::vector<std::uint8_t> request;
  std::unique_ptr<dns::Stream> stream;
  std::unique_ptr<dns::MessageSigner> signer;  // nullptr: it is not signed
};

class Responder {
 public:
  Responder() : own_(std::make_unique<Work>()), work_(own_.get()) { work_->query.lookup = &lookups_; }
  ~Responder();
  Responder(const Responder&) = delete;
  Responder& operator=(const Responder&) = delete;

  // Works in `memory` from now on, which must outlive the responder and have room for a Work.
  void work_in(MutableBytes memory);
  // What it counts itself: requests that no plugin sees. Without this it counts nothing.
  void count_in(metrics::Registry& metrics);
  // Where queries wait whose answer has to be fetched; nullptr, as at first: they cannot.
  void park_in(Park* park) { park_ = park; }
  // For the park: none, or why the next queries cannot wait.
  void refuse_later(dns::Later::Refusal why) { work_->response.later.refusal = why; }
  // For the park: the message that the next query waited for; none, as at first: it has not.
  void answer_with(Bytes message) { work_->response.later.answer = message; }
  // Has cookies, and limits large answers, as `configuration` has it, which must outlive the responder. Without this
  // neither.
  void protect(Configuration& configuration);
  // Observes queries that no server block takes; nullptr: none does.
  void show_unrouted(const Observer* observer) { unrouted_ = observer; }

  // Sees all that is answered, of all server blocks and of none; nullptr: nobody does.
  void show_all(const Observer* observer) { all_ = observer; }

  // Writes the response to `request` into `out`; returns its size, 0 where nothing is to be sent, or not now: then the
  // park has the request.
  // REQUIRES: `out` has 512 bytes or more; for TCP 65,535.
  [[nodiscard]] std::size_t respond(const Router& router, Bytes request, const Arrival& arrival, MutableBytes out);

  // After respond(): whether messages are to follow, over TCP; to be asked for with next().
  [[nodiscard]] bool has_following() const { return work_->response.stream != nullptr; }
  [[nodiscard]] Following take_following();
  // Writes the next message; returns its size, 0 where there is none, nullopt where it has no room: what follows would
  // not be whole. REQUIRES: `out` has 65,535 bytes.
  [[nodiscard]] std::optional<std::size_t> next(Following& following, const Arrival& arrival, MutableBytes out);

 private:
  [[nodiscard]] Result<Outcome> answer(const Router& router, const Block*& block);
  [[nodiscard]] bool answer_options(const TcpLimits& limits);
  [[nodiscard]] bool answer_cookie();
  [[nodiscard]] std::size_t answer_without_question(MutableBytes out);
  [[nodiscard]] std::size_t send_to_tcp(MutableBytes out);
  void want_ahead();
  [[nodiscard]] std::size_t send_whole(const Block& block, MutableBytes out);
  [[nodiscard]] bool send_otherwise(Result<Outcome> outcome, const Router& router, const Block*& block);
  [[nodiscard]] Result<Outcome> answer_without(dns::Later::Refusal why, const Router& router, const Block*& block);

  std::unique_ptr<Work> own_;  // none where it works in other memory
  Work* work_;
  metrics::Counters invalid_;
  metrics::Counter dropped_;
  const Observer* unrouted_ = nullptr;
  const Observer* all_ = nullptr;
  Lookups lookups_;
  Park* park_ = nullptr;
  const shm::Snapshot* secrets_ = nullptr;  // ServerSecrets'; nullptr: there are no cookies
  std::optional<AmplificationLimit> limit_;
  const Arrival* arrival_ = nullptr;  // of the query at hand
};

// How long a TCP connection may be idle, in units of 100 ms (RFC 7828), as we tell the clients that ask.
inline constexpr std::uint16_t kTcpIdleTime = 100;

}  // namespace swage::server
