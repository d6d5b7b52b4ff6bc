// What becomes of requests of an Updater, and what is answered and told of it.
#include <ctime>

#include <fmt/format.h>

#include "core/dns/encode.h"
#include "core/dns/parse.h"
#include "core/log.h"
#include "core/update/request.h"
#include "core/zone/view.h"
#include "plugins/file/updater.h"

namespace swage::plugins::file {

using dns::Rcode;

namespace {

constexpr std::size_t kReplySize = 4096;
constexpr std::int64_t kTellEvery = 10;  // seconds

UpdateFigures::Kind result_of(Rcode rcode, bool has_changes, swage::tsig::Status status) {
  if (status != swage::tsig::Status::good)
    return status == swage::tsig::Status::formerr ? UpdateFigures::malformed : UpdateFigures::unverified;
  switch (rcode) {
    case Rcode::noerror:
      return has_changes ? UpdateFigures::applied : UpdateFigures::unchanged;
    case Rcode::yxdomain:
    case Rcode::nxdomain:
    case Rcode::yxrrset:
    case Rcode::nxrrset:
      return UpdateFigures::prerequisite;
    case Rcode::formerr:
    case Rcode::notzone:
      return UpdateFigures::malformed;
    case Rcode::servfail:
      return UpdateFigures::failed;
    default:
      return UpdateFigures::refused;
  }
}

Rcode rcode_of(swage::tsig::Status status) {
  if (status == swage::tsig::Status::none) return Rcode::refused;
  return status == swage::tsig::Status::formerr ? Rcode::formerr : Rcode::notauth;
}

bool is_query(Bytes message) {
  return message.size() > 2 && dns::Opcode{static_cast<std::uint8_t>(message[2] >> 3 & 0x0F)} == dns::Opcode::query;
}

}  // namespace

// Clients that update a zone ask for its SOA first; some sign that, too, and dns processes do not have the key.
void Updater::answer_query(Job& job) const {
  const Bytes message = Relay::message(job.request);
  job.rcode = Rcode::refused;
  dns::Query query;
  if (dns::parse(message, query) != dns::Parsed::query || query.qtype != dns::Type::soa) return;
  if (!query.qname.is_under(zone_.apex) || !options_.settings.rules.know(job.signature.key->name)) return;
  query.transport = dns::Transport::tcp;  // it has room in any message
  dns::Response response;
  zone::View(zone_.snapshot->bytes()).answer(query, response);
  job.reply.resize(kReplySize);
  job.reply.resize(dns::encode(query, response, job.reply));
}

void Updater::decide(Job& job, update::EditedZone& zone, std::int64_t now) const {
  const Bytes message = Relay::message(job.request);
  job.signature = swage::tsig::verify_request(message, keys_, static_cast<std::uint64_t>(now));
  job.changes = {};
  if (job.signature.status != swage::tsig::Status::good) {
    job.rcode = rcode_of(job.signature.status);
    return;
  }
  if (is_query(message)) return answer_query(job);
  job.digest = crypto::sha256(message);
  job.rcode = Rcode::noerror;
  if (recent_.contains(job.digest)) return;  // it was done, and its answer was lost
  const auto request = update::Request::read(message);
  job.rcode = request ? Rcode::noerror : request.error();
  if (!request) return;
  update::Updated updated = update::update(*request, job.signature.key->name, options_.settings, now, zone);
  job.rcode = updated.rcode;
  job.changes = std::move(updated.changes);
  job.serial = zone.serial();
}

void Updater::answer(const std::vector<Job>& jobs) {
  for (const Job& job : jobs) {
    if (is_query(Relay::message(job.request))) {
      answer(job);
      continue;
    }
    figures_.requests.at(result_of(job.rcode, !job.changes.empty(), job.signature.status)).add();
    tell(job);
    answer(job);
  }
}

void Updater::answer(const Job& job) const {
  const Bytes message = Relay::message(job.request);
  if (message.size() < 12) return relay_.fail(job.request);  // nothing that a dns process hands over
  std::vector<std::uint8_t> response = job.reply.empty() ? update::response_to(message, job.rcode) : job.reply;
  const swage::tsig::Status status = job.signature.status;
  if (status != swage::tsig::Status::none && status != swage::tsig::Status::formerr) {
    swage::tsig::Signer signer(job.signature);
    const std::size_t size = response.size();
    response.resize(size + signer.room());
    response.resize(signer.sign(response, size, static_cast<std::uint64_t>(std::time(nullptr))));
  }
  relay_.answer(job.request, response);
}

void Updater::tell(const Job& job) {
  const std::string client = Relay::client(job.request).to_string();
  if (job.signature.status != swage::tsig::Status::good) {
    const std::int64_t now = std::time(nullptr);
    if (now - told_ < kTellEvery) {
      ++untold_;
      return;
    }
    told_ = now;
    const std::size_t more = std::exchange(untold_, 0);
    log::warning("plugin/file: {}: an update from {} was not taken: {}{}", zone_.apex.to_string(), client,
                 job.signature.status == swage::tsig::Status::none ? "it is not signed"
                                                                   : swage::tsig::to_string(job.signature.status),
                 more == 0 ? "" : fmt::format("; and {} more", more));
    return;
  }
  const std::string key = dns::Name(job.signature.key->name).to_string();
  if (job.rcode != Rcode::noerror) {
    log::info("plugin/file: {}: an update by {} from {}: {}", zone_.apex.to_string(), key, client,
              to_string(job.rcode));
  } else if (!job.changes.empty()) {
    log::info("plugin/file: {}: an update by {} from {}: {} added, {} removed, serial {}", zone_.apex.to_string(), key,
              client, job.changes.added.size() - 1, job.changes.removed.size() - 1, job.serial);
  }
}

}  // namespace swage::plugins::file
