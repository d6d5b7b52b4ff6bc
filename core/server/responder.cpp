#include "core/server/responder.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include "core/cookie/cookie.h"
#include "core/dns/encode.h"
#include "core/dns/parse.h"
#include "core/server/configuration.h"
#include "core/server/park.h"
#include "core/server/server_secrets.h"
#include "core/tsig/response_signer.h"

namespace swage::server {
namespace {

using dns::Rcode;
using Refusal = dns::Later::Refusal;

// RFC 7828: over TCP the option is answered with our idle time; in a query it is empty; over UDP it is ignored.
// False where the query is malformed.
bool answer_keepalive(const Query& query, Response& response, const TcpLimits& limits) {
  if (query.transport == dns::Transport::udp || query.scheme == Scheme::https) return true;
  if (!query.edns.has_option(dns::kOptionTcpKeepalive)) return true;
  if (!query.edns.option(dns::kOptionTcpKeepalive).empty()) return false;
  const std::int64_t idle = limits.idle ? 10 * limits.idle->count() : kTcpIdleTime;
  const MutableBytes data = response.arena.allocate(2);
  store_u16(data.data(), static_cast<std::uint16_t>(std::min<std::int64_t>(idle, 0xFFFF)));
  response.options.push_back({dns::kOptionTcpKeepalive, data});
  return true;
}

// Where no plugin and no other nameserver has said why: the query is of no zone of ours (RFC 8914 section 4.21), or is
// one that nobody here takes, a zone transfer say (section 4.19). `block`: where it came to; nullptr: none.
void explain_refusal(const Query& query, const Block* block, Response& response) {
  if (!query.edns.present || response.origin.port != 0) return;
  const auto is_reason = [](const dns::EdnsOption& each) { return each.code == dns::kOptionExtendedError; };
  if (std::ranges::any_of(response.options, is_reason)) return;
  const bool other = block != nullptr && query.kind() != dns::MessageKind::query;
  add_extended_error(response, other ? dns::ExtendedError::prohibited : dns::ExtendedError::not_authoritative);
}

enum Invalid : std::size_t { ignored, formerr, notimp };

}  // namespace

Responder::~Responder() {
  if (own_ == nullptr) std::destroy_at(work_);
}

void Responder::work_in(MutableBytes memory) {
  CHECK(memory.size() >= sizeof(Work));
  if (own_ == nullptr) std::destroy_at(work_);
  work_ = new (memory.data()) Work;
  work_->query.lookup = &lookups_;
  own_.reset();
}

void Responder::count_in(metrics::Registry& metrics) {
  invalid_ =
      metrics.counters("swage_dns_invalid_requests_total", "Requests that no plugin sees, by what becomes of them.", {},
                       {{"result", {"ignored", "formerr", "notimp"}}});
  dropped_ = metrics.counter("swage_dns_dropped_requests_total", "Queries that a plugin left without a response.");
}

void Responder::protect(Configuration& configuration) {
  secrets_ = configuration.snapshots.at(ServerSecrets::kName).get();
  limit_.emplace(*secrets_, *configuration.worker_memories.at(AmplificationLimit::kName), *configuration.metrics);
}

// Options that the server answers itself. False where one is malformed.
inline bool Responder::answer_options(const TcpLimits& limits) {
  if (work_->query.edns.options.empty()) [[likely]]
    return true;
  return answer_keepalive(work_->query, work_->response, limits) && answer_cookie();
}

bool Responder::answer_cookie() {
  Query& query = work_->query;
  const cookie::Secrets secrets(secrets_ == nullptr ? Bytes() : secrets_->bytes());
  const Bytes option = query.edns.option(dns::kOptionCookie);
  if (secrets.count() == 0 || option.data() == nullptr) return true;
  if (!cookie::is_well_formed(option)) return false;
  const cookie::Reply reply =
      cookie::answer(option, query.client.address, static_cast<std::uint32_t>(std::time(nullptr)), secrets);
  query.cookie = reply.good                             ? dns::Cookie::good
                 : option.size() == cookie::kClientSize ? dns::Cookie::client
                                                        : dns::Cookie::bad;
  work_->response.options.push_back({dns::kOptionCookie, work_->response.arena.copy(reply.cookie)});
  return true;
}

// A query without a question asks for a cookie alone (RFC 7873 section 5.4). 0 where it is malformed.
std::size_t Responder::answer_without_question(MutableBytes out) {
  Query& query = work_->query;
  constexpr std::size_t kOptFixed = 11;  // bytes of an OPT record before its options
  const Bytes request = query.message;
  const bool is_one = query.opcode == dns::Opcode::query && query.edns.present && query.edns.version == 0 &&
                      load_u16(&request[4]) == 0 && load_u16(&request[6]) == 0 && load_u16(&request[8]) == 0 &&
                      load_u16(&request[10]) == 1 &&
                      request.size() == dns::kHeaderSize + kOptFixed + query.edns.options.size();
  Response& response = work_->response;
  response.clear();
  if (!is_one || !answer_cookie() || response.options.empty()) return 0;
  const dns::Rcode rcode = query.cookie == dns::Cookie::bad ? Rcode::badcookie : Rcode::noerror;
  return dns::encode_error(query, rcode, out, response.options);
}

// In place of what is too large: TC, no records, and of the options the cookie, with which the next one is not limited.
[[gnu::noinline]] std::size_t Responder::send_to_tcp(MutableBytes out) {
  Response& response = work_->response;
  if (response.signer != nullptr) return 0;  // it signs once; who has the key asks again
  std::erase_if(response.options, [](const dns::EdnsOption& each) { return each.code != dns::kOptionCookie; });
  response.ask_over_tcp = true;
  return dns::encode(work_->query, response, out);
}

// inline, since it is called in two places: 20 instructions for each query.
inline Result<Outcome> Responder::answer(const Router& router, const Block*& block) {
  Query& query = work_->query;
  lookups_.begin(router);
  work_->stage.store(Work::Stage::chain, std::memory_order_relaxed);
  const Router::Match match = router.match(query);  // asks Filters
  if (match.block == nullptr) return Outcome::send;
  block = match.block;
  query.zone = match.zone;
  if (!is_for_chain(query, *block)) return Outcome::send;
  // One message is the answer to a request (RFC 8484 section 4.2.1).
  if (query.scheme == Scheme::https && query.kind() == dns::MessageKind::transfer) [[unlikely]]
    return Outcome::send;
  if (query.tsig_at != 0 && block->settings.keys == nullptr) [[unlikely]] {
    tsig::refuse_key(query, work_->response);
    return Outcome::send;
  }
  return block->chain(query.kind())(query, work_->response);
}

std::size_t Responder::respond(const Router& router, Bytes request, const Arrival& arrival, MutableBytes out) {
  arrival_ = &arrival;
  Query& query = work_->query;
  Response& response = work_->response;
  query.transport = arrival.transport;
  query.scheme = arrival.scheme;
  query.client = arrival.client;
  query.server = arrival.server;
  query.received = arrival.received;
  query.cookie = dns::Cookie::none;
  const dns::Parsed parsed = dns::parse(request, query);
  if (parsed == dns::Parsed::drop) {
    invalid_.at(ignored).add();
    return 0;
  }
  if (parsed == dns::Parsed::formerr) {
    if (query.edns.present && secrets_ != nullptr) [[unlikely]] {
      if (const std::size_t size = answer_without_question(out); size != 0) return size;
    }
    invalid_.at(formerr).add();
    return dns::encode_error(query, Rcode::formerr, out);
  }
  if (parsed == dns::Parsed::notimp) {
    invalid_.at(notimp).add();
    return dns::encode_error(query, Rcode::notimp, out);
  }

  response.clear();
  const Block* block = nullptr;
  if (parsed == dns::Parsed::badvers) {
    response.rcode = Rcode::badvers;
  } else if (!answer_options(router.tcp)) {
    invalid_.at(formerr).add();
    return dns::encode_error(query, Rcode::formerr, out);
  } else {
    if (query.opcode == dns::Opcode::update) [[unlikely]]
      response.rcode = Rcode::notimp;  // unless a plugin says otherwise
    const Result<Outcome> outcome = answer(router, block);
    if (!outcome || *outcome != Outcome::send) {
      if (outcome && *outcome == Outcome::whole) return send_whole(*block, out);
      if (!send_otherwise(outcome, router, block)) {
        work_->stage.store(Work::Stage::none, std::memory_order_relaxed);
        return 0;
      }
    }
    if (response.later.ahead) [[unlikely]]
      want_ahead();
    if (query.opcode == dns::Opcode::update && response.rcode == Rcode::notimp && response.signer == nullptr)
        [[unlikely]] {
      work_->stage.store(Work::Stage::none, std::memory_order_relaxed);
      invalid_.at(notimp).add();
      return dns::encode_error(query, Rcode::notimp, out);
    }
  }
  if (response.rcode == Rcode::refused) explain_refusal(query, block, response);
  work_->stage.store(Work::Stage::sending, std::memory_order_relaxed);
  const MutableBytes room = out.first(std::min(out.size(), dns::size_limit(query)));
  std::size_t size = dns::encode(query, response, room);
  if (limit_ && !limit_->allows(query, block, request.size(), size)) [[unlikely]] {
    if (size = send_to_tcp(room); size == 0) {
      work_->stage.store(Work::Stage::none, std::memory_order_relaxed);
      dropped_.add();
      return 0;
    }
  }
  if (response.stream != nullptr) [[unlikely]]
    response.stream->sent(size);
  if (block != nullptr) {
    for (const auto& observer : block->observers) observer->sent(query, response, out.first(size));
  } else if (unrouted_ != nullptr && parsed == dns::Parsed::query) {
    unrouted_->sent(query, response, out.first(size));
  }
  if (all_ != nullptr) [[unlikely]]
    all_->sent(query, response, out.first(size));
  work_->stage.store(Work::Stage::none, std::memory_order_relaxed);
  return size;
}

// A message that another process has made, as it is; nothing where there is no room for it.
std::size_t Responder::send_whole(const Block& block, MutableBytes out) {
  const Response& response = work_->response;
  const Bytes message = response.later.answer;
  const std::size_t size = message.size() <= out.size() ? message.size() : 0;
  std::copy_n(message.begin(), size, out.begin());
  for (const auto& observer : block.observers) observer->sent(work_->query, response, out.first(size));
  work_->stage.store(Work::Stage::none, std::memory_order_relaxed);
  return size;
}

Following Responder::take_following() {
  const Bytes request = work_->query.message;
  Response& response = work_->response;
  return {{request.begin(), request.end()}, std::move(response.stream), std::move(response.signer)};
}

std::optional<std::size_t> Responder::next(Following& following, const Arrival& arrival, MutableBytes out) {
  Query& query = work_->query;
  Response& response = work_->response;
  query.transport = arrival.transport;
  query.scheme = arrival.scheme;
  query.client = arrival.client;
  query.server = arrival.server;
  query.received = arrival.received;
  CHECK(dns::parse(following.request, query) == dns::Parsed::query);
  response.clear();
  response.rcode = Rcode::noerror;
  response.authoritative = true;
  work_->stage.store(Work::Stage::sending, std::memory_order_relaxed);
  std::size_t size = 0;
  if (following.stream->next(response)) {
    response.signer = std::move(following.signer);
    size = dns::encode(query, response, out);
    following.signer = std::move(response.signer);
    following.stream->sent(size);
  }
  work_->stage.store(Work::Stage::none, std::memory_order_relaxed);
  if (size > 0 && response.truncated) return {};
  return size;
}

// Where the chain says anything but send: what is sent then. False: nothing is, or not now.
bool Responder::send_otherwise(Result<Outcome> outcome, const Router& router, const Block*& block) {
  if (outcome && *outcome == Outcome::later) {
    const Refusal why =
        park_ == nullptr ? Refusal::no_room : park_->take(router, *arrival_, work_->query, work_->response.later);
    if (why == Refusal::none) return false;
    outcome = answer_without(why, router, block);
  }
  if (outcome && *outcome == Outcome::send) return true;
  if (outcome && *outcome == Outcome::drop) {
    dropped_.add();
    return false;
  }
  work_->response.clear_answer();  // options may say why
  work_->response.rcode = Rcode::servfail;
  work_->response.plugin = 0;
  return true;
}

void Responder::want_ahead() {
  work_->response.later.ahead = false;
  if (park_ != nullptr) park_->ahead(work_->query, work_->response.later);
}

// The chain once more: it hears why the query cannot wait.
Result<Outcome> Responder::answer_without(Refusal why, const Router& router, const Block*& block) {
  Response& response = work_->response;
  response.clear();
  static_cast<void>(answer_options(router.tcp));
  const Refusal before = std::exchange(response.later.refusal, why);
  Result<Outcome> outcome = answer(router, block);
  response.later.refusal = before;
  return outcome;
}

}  // namespace swage::server
