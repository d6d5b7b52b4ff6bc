#include "core/server/responder.h"

#include <algorithm>

#include "core/dns/encode.h"
#include "core/dns/parse.h"

namespace swage::server {
namespace {

using dns::Rcode;

// RFC 7828: over TCP the option is answered with our idle time; in a query it is empty; over UDP it is ignored.
// False where the query is malformed.
bool answer_keepalive(const Query& query, Response& response, const TcpLimits& limits) {
  if (query.transport == dns::Transport::udp || !query.edns.has_option(dns::kOptionTcpKeepalive)) return true;
  if (!query.edns.option(dns::kOptionTcpKeepalive).empty()) return false;
  const std::int64_t idle = limits.idle ? 10 * limits.idle->count() : kTcpIdleTime;
  const MutableBytes data = response.arena.allocate(2);
  store_u16(data.data(), static_cast<std::uint16_t>(std::min<std::int64_t>(idle, 0xFFFF)));
  response.options.push_back({dns::kOptionTcpKeepalive, data});
  return true;
}

// Zone transfers are refused, and so are notifications: no plugin takes them.
bool is_for_chain(const Query& query, const Block& block) {
  if (query.opcode != dns::Opcode::query) return false;
  if (query.qtype == dns::Type::ixfr || query.qtype == dns::Type::axfr) return false;
  return query.qclass == dns::Class::in || (query.qclass == dns::Class::ch && block.settings.accepts_chaos);
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
  own_.reset();
}

void Responder::count_in(metrics::Registry& metrics) {
  invalid_ =
      metrics.counters("swage_dns_invalid_requests_total", "Requests that no plugin sees, by what becomes of them.", {},
                       {{"result", {"ignored", "formerr", "notimp"}}});
  dropped_ = metrics.counter("swage_dns_dropped_requests_total", "Queries that a plugin left without a response.");
}

std::size_t Responder::respond(const Router& router, Bytes request, const Arrival& arrival, MutableBytes out) {
  Query& query = work_->query;
  Response& response = work_->response;
  query.transport = arrival.transport;
  query.client = arrival.client;
  query.server = arrival.server;
  query.received = arrival.received;
  const dns::Parsed parsed = dns::parse(request, query);
  if (parsed == dns::Parsed::drop) {
    invalid_.at(ignored).add();
    return 0;
  }
  if (parsed == dns::Parsed::formerr) {
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
  } else if (!answer_keepalive(query, response, router.tcp)) {
    invalid_.at(formerr).add();
    return dns::encode_error(query, Rcode::formerr, out);
  } else {
    const Result<Outcome> outcome = answer(router, block);
    if (!outcome) {
      response.clear();
      response.rcode = Rcode::servfail;
    } else if (*outcome == Outcome::drop) {
      dropped_.add();
      work_->stage.store(Work::Stage::none, std::memory_order_relaxed);
      return 0;
    }
  }
  work_->stage.store(Work::Stage::sending, std::memory_order_relaxed);
  const std::size_t size = dns::encode(query, response, out.first(std::min(out.size(), dns::size_limit(query))));
  if (block != nullptr) {
    for (const auto& observer : block->observers) observer->sent(query, response, size);
  } else if (unrouted_ != nullptr && parsed == dns::Parsed::query) {
    unrouted_->sent(query, response, size);
  }
  work_->stage.store(Work::Stage::none, std::memory_order_relaxed);
  return size;
}

Result<Outcome> Responder::answer(const Router& router, const Block*& block) {
  Query& query = work_->query;
  const Router::Match match = router.match(query);
  if (match.block == nullptr) return Outcome::send;
  block = match.block;
  query.zone = match.zone;
  if (!is_for_chain(query, *block)) return Outcome::send;
  work_->stage.store(Work::Stage::chain, std::memory_order_relaxed);
  return Next(block->chain.data())(query, work_->response);
}

}  // namespace swage::server
