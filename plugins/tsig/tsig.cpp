#include "plugins/tsig/tsig.h"

#include <algorithm>

#include "core/dns/zones.h"

namespace swage::plugins::tsig {

using dns::Rcode;
using swage::tsig::Request;
using swage::tsig::Status;

std::optional<swage::tsig::Key> BlockKeys::find(dns::NameView name) const {
  if (const auto key = written_.find(name)) return key;
  return from_files_ == nullptr ? std::nullopt : swage::tsig::Ring::find(from_files_->bytes(), name);
}

bool Required::includes(const Query& query) const {
  return all_types || all_opcodes || std::ranges::find(types, query.qtype) != types.end() ||
         std::ranges::find(opcodes, query.opcode) != opcodes.end();
}

Result<Outcome> Tsig::serve(const Query& query, Response& response, Next next) const {
  const bool ours = dns::is_under_any(query.qname, zones_);
  if (!query.tsig_key.is_root()) {  // verified, and asked again within an answer: of another server block, perhaps
    return keys_->find(query.tsig_key) ? next(query, response) : serve_unsigned(query, response, next, ours);
  }
  // parse() does not look for the record in an UPDATE.
  if (query.tsig_at == 0 && query.opcode != dns::Opcode::update) return serve_unsigned(query, response, next, ours);

  static const swage::tsig::Ring kNone;
  const swage::tsig::Keys& keys = ours ? static_cast<const swage::tsig::Keys&>(*keys_) : kNone;
  const Request request = swage::tsig::verify_request(query.message, keys, swage::tsig::wall_clock());
  if (request.status == Status::none) return serve_unsigned(query, response, next, ours);
  requests_.at(static_cast<std::size_t>(request.status)).add();
  if (request.status != Status::good) return refuse(query, response, next, request);
  Query verified = query;
  verified.tsig_key = response.arena.copy(request.record.key.view());
  verified.tsig_at = 0;
  response.signer = swage::tsig::response_signer(request);
  return next(verified, response);
}

Result<Outcome> Tsig::serve_unsigned(const Query& query, Response& response, Next next, bool ours) const {
  if (!ours || !required_.includes(query)) return next(query, response);
  requests_.at(static_cast<std::size_t>(Status::none)).add();
  response.rcode = Rcode::refused;
  add_extended_error(response, dns::ExtendedError::prohibited, "a TSIG signature is required");
  return Outcome::send;
}

// An UPDATE may be signed with a key that only the service process knows: whoever applies it verifies it.
Result<Outcome> Tsig::refuse(const Query& query, Response& response, Next next, const Request& request) const {
  if (request.status == Status::badkey && query.opcode == dns::Opcode::update) {
    const Result<Outcome> outcome = next(query, response);
    if (!outcome || *outcome != Outcome::send || response.rcode != Rcode::notimp) return outcome;
  }
  log::debug("plugin/tsig: {} {} of {}: {}, key {}", query.qname.to_string(), to_string(query.qtype),
             query.client.to_string(), to_string(request.status), request.record.key.to_string());
  if (request.status == Status::formerr) {
    response.rcode = Rcode::formerr;
    return Outcome::send;
  }
  response.rcode = Rcode::notauth;
  response.signer = swage::tsig::response_signer(request);
  return Outcome::send;
}

}  // namespace swage::plugins::tsig
